/**
 * What a party hears while the other holds the call and says nothing itself (SDP-9). Whoever holds with music of its own is heard,
 * and without a file there is silence.
 */

import { readFileSync, statSync } from "node:fs";
import { extname } from "node:path";
import { ConfigError, messageOf } from "../base/errors.ts";
import type { PlaySource } from "../worker/protocol.ts";
import type { CallLeg } from "./call-leg.ts";
import type { Hold } from "./negotiation.ts";

/** Each hold hands a copy to a worker. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;

/** By the extension of the file: WAV, or raw mu-law at 8000 Hz. */
const MEDIA_TYPES: ReadonlyMap<string, string> = new Map([
  [".wav", "audio/wav"],
  [".ulaw", "audio/basic"],
  [".ul", "audio/basic"],
]);

/**
 * Reads the file once, at start; null is no file.
 * @throws ConfigError when it cannot be read, is of another kind, or too long
 */
export function readHoldAudio(file: string | null): PlaySource | undefined {
  if (file === null) return undefined;
  const mediaType = MEDIA_TYPES.get(extname(file).toLowerCase());
  if (mediaType === undefined)
    throw new ConfigError(`${file}: hold audio is a file of ${[...MEDIA_TYPES.keys()].join(", ")}`);
  try {
    if (statSync(file).size > FILE_BYTES_MAX)
      throw new ConfigError(`${file}: hold audio has at most ${FILE_BYTES_MAX} octets`);
    return { kind: "file", bytes: new Uint8Array(readFileSync(file)), mediaType, loop: 0 };
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`${file}: cannot be read: ${messageOf(error)}`);
  }
}

/** From now on, and for a hold that is there already. Returns what ends it. */
export function playHoldAudio(audio: PlaySource | undefined, a: CallLeg, b: CallLeg): () => void {
  if (audio === undefined) return () => undefined;
  const stops = [follow(audio, a, b), follow(audio, b, a)];
  return () => {
    for (const stop of stops) stop();
  };
}

function follow(audio: PlaySource, holder: CallLeg, listener: CallLeg): () => void {
  let isPlaying = false;
  const take = (hold: Hold): void => {
    const isWanted = hold === "silent";
    if (isWanted === isPlaying) return;
    isPlaying = isWanted;
    const done = isWanted ? listener.media.play(audio) : listener.media.stopPlay();
    done.catch((error) =>
      listener.call.note("media", `hold audio: ${messageOf(error)}`, { code: "hold-audio.failed" }),
    );
  };
  holder.onHold = take;
  take(holder.negotiation.hold);
  return () => {
    holder.onHold = undefined;
    take("none");
  };
}
