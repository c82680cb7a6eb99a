/**
 * The media of a leg that have moved to another port: what the far end sent before it knew still comes to the old one (RFC 3264 §8.3.1,
 * SDP-11). A port that closes at once would answer that with ICMP, which some far ends take for the end of the call.
 */

import type { Clock, Timer } from "../base/clock.ts";
import type { MediaLeg } from "./media-leg.ts";

/** A far end that is slower than this to follow its own answer, or says nothing at all. */
const OLD_PORT_MS = 2000;

/**
 * Silences the old media and closes them when the first packet has come to the new ones, when the leg is gone, or after a while.
 * @param gone - resolves when the leg has ended
 */
export function retireMedia(
  clock: Clock,
  old: Pick<MediaLeg, "configure" | "unbridge" | "close">,
  next: Pick<MediaLeg, "listen">,
  gone: Promise<void>,
): void {
  let timer: Timer | undefined;
  const close = (): void => {
    timer?.cancel();
    stopListening();
    void old.close();
  };
  const stopListening = next.listen({
    onLegEvent: ({ type }) => {
      if (type === "first-packet") close();
    },
    onLegLost: close,
  });
  timer = clock.after(OLD_PORT_MS, close);
  void gone.then(close);
  // A worker that was lost has closed its ports.
  Promise.all([old.unbridge(), old.configure({ sending: false, mediaTimeoutMs: 0 })]).catch(close);
}
