/** Writes a two-channel WAV of what was said and what was heard. */

import { writeFileSync } from "node:fs";
import { fromUlaw } from "../../simulator/tones.ts";

const RATE_HZ = 8000;
const HEADER_BYTES = 44;

/** 16-bit PCM, left and right from mu-law; the shorter one is filled with silence. */
export function writeStereoWav(path: string, left: Uint8Array, right: Uint8Array): void {
  const frames = Math.max(left.length, right.length);
  const l = fromUlaw(left);
  const r = fromUlaw(right);
  const file = Buffer.alloc(HEADER_BYTES + frames * 4);
  file.write("RIFF", 0, "latin1");
  file.writeUInt32LE(file.length - 8, 4);
  file.write("WAVEfmt ", 8, "latin1");
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(2, 22);
  file.writeUInt32LE(RATE_HZ, 24);
  file.writeUInt32LE(RATE_HZ * 4, 28);
  file.writeUInt16LE(4, 32);
  file.writeUInt16LE(16, 34);
  file.write("data", 36, "latin1");
  file.writeUInt32LE(frames * 4, 40);
  for (let i = 0; i < frames; i++) {
    file.writeInt16LE(l[i] ?? 0, HEADER_BYTES + i * 4);
    file.writeInt16LE(r[i] ?? 0, HEADER_BYTES + i * 4 + 2);
  }
  writeFileSync(path, file);
}
