/** Where TwiML comes from: a URL that is requested, or the text itself (voice-rest.md 2.2). */

import type { HttpMethod } from "../base/http.ts";

/** A URL with its method. */
export interface Handler {
  readonly url: string;
  readonly method: HttpMethod;
}

export type VoiceSource = Handler | { readonly twiml: string };
