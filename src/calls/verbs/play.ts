/** `<Play>` (twiml.md 2.6): a file or digits into the call. A file that cannot be had is an alert, and the next verb runs. */

import { messageOf, WebhookError } from "../../base/errors.ts";
import type { Play } from "../../voice/verbs.ts";
import type { VerbScope } from "./verb-scope.ts";

const INVALID_CONTENT_TYPE = 13420;
const RETRIEVAL_FAILED = 11200;

export async function runPlay(scope: VerbScope, verb: Play): Promise<void> {
  const { ctx, leg, signal } = scope;
  if ((await scope.answer()) === undefined) return;
  try {
    if (verb.digits !== null) await leg.media.sendDigits(verb.digits);
    else {
      const file = await ctx.mediaFetcher.fetch(verb.url, signal);
      await playToEnd(scope, file.bytes, file.contentType, verb.loop);
    }
  } catch (error) {
    if (signal.aborted) return;
    const code = error instanceof WebhookError ? error.alertCode : codeOf(error);
    ctx.alerts.raise({
      code,
      text: `Play failed: ${messageOf(error)}`,
      callSid: leg.call.sid,
      accountSid: scope.accountSid,
      url: verb.url,
    });
  }
}

/** Resolves when the file was played to its end, replaced, or stopped because the call ended. */
async function playToEnd(scope: VerbScope, bytes: Uint8Array, mediaType: string, loop: number): Promise<void> {
  const { leg, signal } = scope;
  const { media } = leg;
  await new Promise<void>((resolve, reject) => {
    let current = 0;
    const finish = (): void => {
      remove();
      signal.removeEventListener("abort", stop);
      resolve();
    };
    const stop = (): void => {
      void media.stopPlay().catch(() => undefined);
      finish();
    };
    const remove = media.listen({
      onPlayEnded: (playId) => {
        if (playId === current) finish();
      },
      onLegLost: finish,
    });
    signal.addEventListener("abort", stop, { once: true });
    media
      .play({ kind: "file", bytes, mediaType, loop }, (playId) => {
        current = playId;
      })
      .catch((error) => {
        remove();
        signal.removeEventListener("abort", stop);
        reject(error);
      });
    if (signal.aborted) stop();
  });
}

function codeOf(error: unknown): number {
  return messageOf(error).includes(String(INVALID_CONTENT_TYPE)) ? INVALID_CONTENT_TYPE : RETRIEVAL_FAILED;
}
