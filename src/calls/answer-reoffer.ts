/**
 * Their offer after the first one, early or in the answered call (SIP-UPD-1, SIP-PRK-5, SDP-9 to SDP-12): answered here, and
 * the media of the leg follow it. Hold stays on this leg.
 */

import { messageOf, SdpError } from "../base/errors.ts";
import type { AnswerOptions, InDialogRequest } from "../sip/user-agent.ts";
import type { Call } from "./call.ts";
import type { MediaLeg } from "./media-leg.ts";
import type { MediaNames } from "./media-names.ts";
import { type Hold, type LegNegotiation, sdpOf } from "./negotiation.ts";

const SDP = "application/sdp";

export function sdpBody(content: string): { contentType: string; content: string } {
  return { contentType: SDP, content };
}

/** 488 and its like with a Warning that says why (RFC 3261 §20.43). */
export function rejection(text: string): AnswerOptions {
  return { headers: [["Warning", `399 tandem "${text.replace(/["\\\r\n]/g, "'").slice(0, 200)}"`]] };
}

/** What of a leg an offer touches. */
export interface OfferedLeg {
  readonly call: Call;
  readonly media: MediaLeg;
  readonly negotiation: LegNegotiation;
  readonly names: MediaNames;
  /** Their hold began, changed or ended. */
  onHold?(hold: Hold): void;
}

/** @returns our answer, undefined when the offer was refused; the session is as it was then (SIP-INV-8) */
export async function answerReoffer(
  { call, media, negotiation, names, onHold }: OfferedLeg,
  request: InDialogRequest,
): Promise<string | undefined> {
  try {
    const offer = names.numeric(sdpOf(request.request), negotiation.bindAddress);
    const text = typeof offer === "string" ? offer : await offer;
    const before = negotiation.hold;
    const { answer, options } = negotiation.acceptOffer(text);
    await media.configure(options);
    request.respond(200, { body: sdpBody(answer) });
    const { hold } = negotiation;
    const held = hold !== "none";
    if (held !== (before !== "none"))
      call.note("media", held ? "the far end put the call on hold" : "the far end resumed the call", {
        code: held ? "media.held" : "media.resumed",
      });
    if (hold !== before) onHold?.(hold);
    return answer;
  } catch (error) {
    const status = error instanceof SdpError ? error.status : 500;
    request.respond(status, rejection(messageOf(error)));
    call.note("media", `re-offer refused with ${status}: ${messageOf(error)}`, { code: "reoffer.refused", status });
    return undefined;
  }
}
