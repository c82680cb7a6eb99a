/** Audio that occurs nowhere else, to be searched for: as mu-law, A-law and 16-bit samples. */
import { decodeAlaw, decodeMulaw } from "../../src/worker/g711.ts";
import { seededRandom } from "./seeded-random.ts";

const OCTETS = 160;
/** Parts that are searched for: whatever is left of 44 octets or more holds one of them whole. */
const PART = 24;
const STEP = 20;

/** 20 ms of loud noise as mu-law, the same each time. */
export function patternUlaw(seed = 7): Buffer {
  const random = seededRandom(seed);
  // Codes of the upper segments, both signs: no silence and no two neighbours alike.
  return Buffer.from(Array.from({ length: OCTETS }, () => Math.floor(random() * 96) + (random() < 0.5 ? 0 : 128)));
}

/** The nearest A-law code of each mu-law code. */
const ALAW = Uint8Array.from({ length: 256 }, (_, code) => {
  let best = 0;
  for (let one = 1; one < 256; one++)
    if (Math.abs(decodeAlaw(one) - decodeMulaw(code)) < Math.abs(decodeAlaw(best) - decodeMulaw(code))) best = one;
  return best;
});

function forms(ulaw: Buffer): Record<"mulaw" | "alaw" | "pcm16", Buffer> {
  const pcm16 = Buffer.alloc(ulaw.length * 2);
  ulaw.forEach((code, i) => pcm16.writeInt16LE(decodeMulaw(code), 2 * i));
  return { mulaw: ulaw, alaw: Buffer.from(ulaw.map((code) => ALAW[code]!)), pcm16 };
}

/**
 * Which forms of the pattern occur in these octets, and where first.
 * @param step - octets from part to part; more is faster, and misses what is shorter
 */
export function findPattern(memory: Uint8Array, step = STEP, ulaw = patternUlaw()): string[] {
  const octets = Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength);
  return Object.entries(forms(ulaw)).flatMap(([name, form]) => {
    for (let at = 0; at + PART <= form.length; at += step) {
      const found = octets.indexOf(form.subarray(at, at + PART));
      if (found >= 0) return [`${name} at ${found}`];
    }
    return [];
  });
}
