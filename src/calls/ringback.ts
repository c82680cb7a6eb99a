/** Ringback where the called side sends none: the North American cadence (ITU-T E.180). */
export const RINGBACK = {
  kind: "tone",
  frequenciesHz: [440, 480],
  onMs: 2000,
  offMs: 4000,
  levelDbm0: -19,
  loop: 0,
} as const;
