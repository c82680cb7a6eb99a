/** A leg's playback ring in the engine, as streams and players see it. */

import type { MediaCore } from "../media/media-core.ts";
import type { PlaybackSink } from "../media/playback-queue.ts";

/** The ring of the leg in `slot`. */
export function playbackOf(core: MediaCore, slot: number): PlaybackSink {
  return {
    room: () => core.playbackRoom(slot),
    write: (octets, start, end) => core.playbackWrite(slot, octets, start, end),
    clear: () => core.playbackClear(slot),
    playedOctets: () => core.playedOctets(slot),
  };
}
