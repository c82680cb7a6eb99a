/** Pauses are described, not sent (RFC 3389 §4, CN-2; RFC 3551 §4.1), and come back as the noise that they were. */
import { describe, expect, it } from "vitest";
import { MediaKernels } from "../../src/media/kernels/media-kernels.ts";
import type { LegOptions } from "../../src/media/leg-options.ts";
import { type Datagram, Host, run } from "../support/media-pair.ts";
import { makeSpeech } from "../support/speech.ts";

const { g711 } = MediaKernels.createSync();
const NEAR = "192.0.2.1";
const FAR = "192.0.2.2";

/** A second of speech, three of its background alone, a second of speech. */
function talk(): Uint8Array {
  const { samples } = makeSpeech({ seconds: 5, pauses: false, background: 200 });
  const speech = Int16Array.from(samples);
  let seed = 1;
  for (let i = 8000; i < 32_000; i++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    speech[i] = Math.round((seed / 2 ** 31 - 1) * 200);
  }
  const octets = new Uint8Array(speech.length);
  g711.encode("PCMU", speech, octets);
  return octets;
}

interface Seen {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly octets: number;
}

function play(options: LegOptions, farOptions: LegOptions = {}) {
  const near = new Host();
  const far = new Host();
  const leg = near.open(NEAR, 4000, { remoteRtp: { address: FAR, port: 6000 }, ...options });
  const heard = far.open(FAR, 6000, { remoteRtp: { address: NEAR, port: 4000 }, ...farOptions });
  const tap = far.core.openTap({ leg: heard, tracks: ["inbound"] }, 0);
  near.core.play(leg, talk());
  const datagrams = run([near, far], 0, 5000);
  const seen = datagrams.filter(isRtpOfNear).map(
    ({ bytes }): Seen => ({
      payloadType: bytes[1]! & 127,
      marker: bytes[1]! >= 128,
      sequence: bytes.readUInt16BE(2),
      timestamp: bytes.readUInt32BE(4),
      octets: bytes.length - 12,
    }),
  );
  return { seen, far, heard, frames: far.frames.get(tap)!.map(({ bytes }) => bytes), stats: far.core.stats(heard) };
}
const isRtpOfNear = ({ fromAddress, fromPort }: Datagram): boolean => fromAddress === NEAR && fromPort === 4000;

describe("a leg that may describe its pauses", () => {
  const { seen, frames, stats } = play({ sendComfortNoise: true });
  const audio = seen.filter(({ payloadType }) => payloadType === 0);
  const noise = seen.filter(({ payloadType }) => payloadType === 13);

  it("RFC 3389 §4: sends a few descriptions instead of three seconds of background", () => {
    // Two seconds of speech and the hangover of 200 ms.
    expect(audio.length).toBeLessThan(130);
    expect(audio.length).toBeGreaterThan(95);
    expect(noise.length).toBeGreaterThanOrEqual(2);
    expect(noise.length).toBeLessThan(12);
    for (const { octets, marker } of noise) {
      expect(octets).toBe(7);
      expect(marker).toBe(false);
    }
  });

  it("RFC 3551 §4.1: numbers go on by 1, timestamps follow the clock, the marker says where speech begins again", () => {
    seen.slice(1).forEach(({ sequence }, i) => {
      expect(sequence).toBe((seen[i]!.sequence + 1) & 0xffff);
    });
    const steps = seen.slice(1).map(({ timestamp }, i) => (timestamp - seen[i]!.timestamp) >>> 0);
    expect(steps.every((step) => step % 160 === 0 && step > 0)).toBe(true);
    expect((seen.at(-1)!.timestamp - seen[0]!.timestamp) >>> 0).toBeGreaterThan(4.8 * 8000);
    const again = audio.findIndex(({ timestamp }) => (timestamp - audio[0]!.timestamp) >>> 0 > 2.5 * 8000);
    expect(audio[again]!.marker).toBe(true);
    expect(audio.filter(({ marker }) => marker).length).toBeLessThanOrEqual(3);
  });

  it("the far end hears noise of that level in the pause, and nothing is lost or concealed", () => {
    expect(stats.packetsLost).toBe(0);
    expect(stats.framesConcealed).toBeLessThanOrEqual(1);
    const samples = new Int16Array(160);
    const levels = frames.slice(100, 190).map((frame) => {
      g711.decode("PCMU", frame, samples);
      return Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / 160);
    });
    const mean = levels.reduce((sum, one) => sum + one, 0) / levels.length;
    // Uniform noise of ±200 has 115.
    expect(mean).toBeGreaterThan(115 / 1.5);
    expect(mean).toBeLessThan(115 * 1.5);
  });
});

describe("CN-2: everything is sent", () => {
  it.each([
    ["when it was not asked for", {}],
    ["to a far end that takes no comfort noise", { sendComfortNoise: true, comfortNoisePayloadType: -1 }],
  ])("%s", (_name, options) => {
    const { seen } = play(options);
    expect(seen.length).toBeGreaterThan(245);
    expect(new Set(seen.map(({ payloadType }) => payloadType))).toEqual(new Set([0]));
  });
});

it("packets of 60 ms: what waits goes before the description, and nothing overlaps", () => {
  const { seen } = play({ sendComfortNoise: true, ptimeMs: 60 });
  seen.slice(1).forEach(({ timestamp }, i) => {
    const before = seen[i]!;
    const samples = before.payloadType === 13 ? 160 : before.octets;
    expect((timestamp - before.timestamp) >>> 0).toBeGreaterThanOrEqual(samples);
  });
  expect(seen.some(({ payloadType }) => payloadType === 13)).toBe(true);
});
