/** Follows speech frame by frame, octet by octet: what of it came, in which order, and what came that was never said. */
import { readFileSync } from "node:fs";

const FRAME = 160;
export interface Followed {
  /** Frames of 20 ms that came, each after the one before it. */
  readonly inOrder: number;
  /** Frames left out between those. */
  readonly leftOut: number;
  /** Frames that came again at once, as some concealment does. */
  readonly repeated: number;
  /** Frames that were never said, silence not counted. */
  readonly strange: number;
}

/**
 * @param heard - mu-law
 * @param speech - mu-law that was said, from its first frame on, over and over
 */
export function followSpeech(heard: Buffer, speech: Buffer): Followed {
  const said = frames(speech);
  const found = { inOrder: 0, leftOut: 0, repeated: 0, strange: 0 };
  let at = 0;
  for (const frame of frames(heard)) {
    const ahead = said.findIndex((_, i) => said[(at + i) % said.length]!.equals(frame));
    if (found.inOrder > 0 && said[(at + said.length - 1) % said.length]!.equals(frame)) found.repeated++;
    else if (ahead >= 0) {
      found.leftOut += ahead;
      found.inOrder++;
      at = (at + ahead + 1) % said.length;
    } else if (frame.some((octet) => octet !== 0xff)) found.strange++;
  }
  return found;
}

/** How many half seconds of what was heard are in what was said, octet by octet and in the same order, and of how many. */
export function sharedRuns(heard: Buffer, said: Buffer): { shared: number; of: number } {
  const [a, b] = [oneZero(heard), oneZero(said)];
  const run = 25 * FRAME;
  const of = Math.floor(a.length / run);
  let shared = 0;
  let from = 0;
  for (let i = 0; i < of; i++) {
    const at = b.indexOf(a.subarray(i * run, (i + 1) * run), from);
    if (at < 0) continue;
    shared++;
    from = at + run;
  }
  return { shared, of };
}

/** Samples of a WAV file of 16 bits as the mu-law that they came from. libre decodes one of the two zeros as 2. */
export function mulawOf(file: string): Buffer {
  const bytes = readFileSync(file).subarray(44);
  return Buffer.from(Array.from({ length: bytes.length >> 1 }, (_, i) => MULAW.get(bytes.readInt16LE(2 * i)) ?? 0xff));
}

/** Both zeros of mu-law are one sample: the positive one stands for both. */
function oneZero(ulaw: Buffer): Buffer {
  return Buffer.from(ulaw.map((octet) => (octet === 0x7f ? 0xff : octet)));
}

function frames(ulaw: Buffer): Buffer[] {
  const same = oneZero(ulaw);
  return Array.from({ length: Math.floor(same.length / FRAME) }, (_, i) => same.subarray(i * FRAME, (i + 1) * FRAME));
}

/** ITU-T G.711, decoder output levels. */
const MULAW = new Map(
  Array.from({ length: 256 }, (_, octet) => {
    const code = ~octet & 255;
    const magnitude = ((((code & 15) << 3) + 132) << ((code >> 4) & 7)) - 132;
    return [code & 128 ? -magnitude : magnitude, octet] as const;
  }),
);
