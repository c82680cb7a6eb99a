/** Writes a WAV file until it is killed; tells after each piece of work how far it came. Started by wav-writer.test.ts. */
import { statSync, writeSync } from "node:fs";
import { WAV_HEADER_BYTES } from "../../src/media/wav-header.ts";
import { WavWriter } from "../../src/worker/wav-writer.ts";

const [path, encoding, channels] = process.argv.slice(2) as [string, "mulaw" | "pcm16", string];
const writer = new WavWriter({ path, format: { encoding, channels: channels === "2" ? 2 : 1 }, pieceBytes: 1600 });
let count = 0;
function work(): void {
  const frame = new Uint8Array(320);
  for (let i = 0; i < frame.length; i++) frame[i] = (count + i) % 251;
  if (writer.write(frame)) count += frame.length;
  writeSync(1, ".");
  setImmediate(work);
}
/** The file exists from the moment it is opened, a few turns before its head stands; there is nothing to lose until then. */
function begin(): void {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) >= WAV_HEADER_BYTES) work();
  else setImmediate(begin);
}
begin();
