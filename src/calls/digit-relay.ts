/**
 * Keys that cross from one leg to the other by way of signalling (DTMF-7). Those of RFC 4733 cross in the media (DTMF-5) and are
 * left alone, unless the other leg takes INFO; those of INFO become what the other leg takes: RFC 4733, tones, or INFO.
 */

import type { CallLeg } from "./call-leg.ts";

/** @returns what ends it */
export function relayDigits(a: CallLeg, b: CallLeg): () => void {
  const stops = [
    [a, b],
    [b, a],
  ].map(([from, to]) =>
    from!.onDigit((digit, by) => {
      if (by === "info" || to!.negotiation.digitsByInfo) to!.sendDigit(digit);
    }),
  );
  return () => {
    for (const stop of stops) stop();
  };
}
