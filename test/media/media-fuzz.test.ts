/** hardening R9, issue of the media core: whatever a packet contains, it is used, or dropped and counted; `npm run fuzz:media` sends millions. */
import { expect, it } from "vitest";
import { MediaFuzz } from "../support/media-fuzz.ts";

it.each([1, 2, 3])(
  "100,000 hostile packets of seed %i: no trap, no growth, calls beside them keep every octet",
  (seed) => {
    const fuzz = new MediaFuzz(seed);
    fuzz.run(100_000);
    const { faults, grownBytes, harm, audioOctets, taken, drops } = fuzz.report;
    expect({ faults, grownBytes, harm }).toEqual({ faults: 0, grownBytes: 0, harm: [] });
    // Four calls of 8000 octets a second spoke all the time, but for the first moments.
    expect(audioOctets).toBeGreaterThan(4 * 8000 * 2.4);
    // The packets were no mere noise: every way of being dropped was seen, and some were believed.
    expect(taken).toBeGreaterThan(1000);
    for (const reason of [
      "auth-failed",
      "replayed",
      "late",
      "malformed",
      "not-rtp",
      "payload-type",
      "stun",
      "dtls",
      "wrong-source",
    ])
      expect(drops.get(reason), reason).toBeGreaterThan(50);
  },
);
