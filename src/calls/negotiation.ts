/**
 * Offer/answer of one leg over its whole life: remembers the round before and turns what was agreed into options of the
 * media leg. The rules themselves are pure functions in `sdp/`.
 */

import { randomBytes, randomInt } from "node:crypto";
import type { LegOptions, SourcePolicy } from "../media/leg-options.ts";
import { mediaOptionsOf } from "../sdp/media-options.ts";
import {
  type Agreed,
  answerOffer,
  applyAnswer,
  createOffer,
  type LocalMedia,
  type Negotiated,
  type Security,
} from "../sdp/offer-answer.ts";
import { describeFormats } from "../sdp/payload-formats.ts";
import { formatSession, parseSession, type SessionDescription } from "../sdp/session.ts";
import type { SipMessage } from "../sip/message.ts";
import { sdpOfBody } from "../sip/multipart.ts";
import type { InfoDigits } from "../trunking/records.ts";
import type { LegPorts } from "../worker/protocol.ts";
import type { MediaFacts } from "./audio-facts.ts";

/** What one kind of leg is allowed. */
export interface MediaPolicy {
  /** `required` on secure trunks and domains (R-SEC-3). */
  readonly security: Security;
  /** For plain RTP; authenticated SRTP is taken from any source (R-MEDIA-1 to 3). */
  readonly sourcePolicy: SourcePolicy;
  /** Silence that ends the call; 0 never does. */
  readonly mediaTimeoutMs: number;
  /** Keys go to the far end by INFO (DTMF-7); default off. */
  readonly infoDigits?: InfoDigits;
  /** Address that the sockets bind to. */
  readonly bindAddress: string;
  /** Address that SDP names instead (R-NET-4). */
  readonly announceAddress?: string;
}

/** `speaking`: it takes nothing and may be heard all the same, as with music of its own; `silent`: neither (SDP-9). */
export type Hold = "none" | "speaking" | "silent";

/** The SDP of a message, "" when it has none. */
export function sdpOf(message: SipMessage): string {
  return sdpOfBody(message) ?? "";
}

/** Stands in an answer until there is a port: discard, which no media has (RFC 863). */
const NO_PORT = 9;

export class LegNegotiation {
  #local: LocalMedia;
  readonly #policy: MediaPolicy;
  #agreed: Agreed | undefined;
  #openOffer: SessionDescription | undefined;
  /** Forks may still answer the first offer when one of them has made an offer of its own. */
  #firstOffer: SessionDescription | undefined;
  #negotiated: Negotiated | undefined;
  /** Told of every outcome, the one that holds already first. */
  #onNegotiated: ((negotiated: Negotiated) => void) | undefined;

  constructor(policy: MediaPolicy, ports: LegPorts) {
    this.#local = localMedia(policy, ports);
    this.#policy = policy;
  }

  /** For a first offer that is judged before any port is taken: `placeAt` says later where the media are. */
  static unplaced(policy: MediaPolicy): LegNegotiation {
    return new LegNegotiation(policy, { address: policy.bindAddress, rtpPort: NO_PORT, rtcpPort: NO_PORT + 1 });
  }

  /** @returns our answer once more, with the ports that were taken meanwhile */
  placeAt(ports: LegPorts): string {
    this.#local = { ...this.#local, rtpPort: ports.rtpPort, rtcpPort: ports.rtcpPort };
    const { local, remote } = this.#agreed!;
    const media = local.media.map((one) => (one.port === NO_PORT ? withPorts(one, ports) : one));
    this.#agreed = { local: { ...local, media }, remote };
    return formatSession(this.#agreed.local);
  }

  /**
   * Their offer, first or again.
   * @throws SdpError; the session stays as it was then (SIP-INV-8)
   */
  acceptOffer(text: string): { answer: string; options: LegOptions } {
    const offer = parseSession(text);
    const { answer, negotiated } = answerOffer(offer, this.#local, this.#rounds());
    this.#agreed = { local: answer, remote: offer };
    this.#openOffer = undefined;
    return { answer: formatSession(answer), options: this.#optionsOf(negotiated) };
  }

  /** Our offer, first or again. */
  makeOffer(): string {
    this.#openOffer = createOffer(this.#local, this.#rounds());
    this.#firstOffer ??= this.#openOffer;
    return formatSession(this.#openOffer);
  }

  /** Key and salt of what is received, undefined for plain RTP. */
  get receiveKeySalt(): Uint8Array | undefined {
    return this.#negotiated?.srtp?.receiveKeySalt;
  }

  /** Address that the sockets of this leg bind to. */
  get bindAddress(): string {
    return this.#policy.bindAddress;
  }

  /**
   * A re-offer from other ports; session, payload types and key stay (RFC 3264 §8.3.1). `undo` takes it back when the far end does
   * not accept it.
   */
  offerFrom(ports: LegPorts): { offer: string; undo: () => void } {
    const before = this.#local;
    this.#local = { ...before, rtpPort: ports.rtpPort, rtcpPort: ports.rtcpPort };
    return {
      offer: this.makeOffer(),
      undo: () => {
        this.#local = before;
        this.#openOffer = undefined;
      },
    };
  }

  /**
   * Their answer to our last offer. Several answers to one offer are possible before the call is answered (forking).
   * @param toFirst - of a fork that knows our first offer only, while another made an offer of its own
   * @throws SdpError when it does not fit the offer (SDP-21)
   */
  acceptAnswer(text: string, toFirst = false): LegOptions {
    const offer = toFirst ? this.#firstOffer : (this.#openOffer ?? this.#agreed?.local);
    if (offer === undefined) throw new TypeError("acceptAnswer: no offer was made");
    const answer = parseSession(text);
    const negotiated = applyAnswer(offer, answer, this.#local);
    this.#agreed = { local: offer, remote: answer };
    return this.#optionsOf(negotiated);
  }

  set onNegotiated(listener: (negotiated: Negotiated) => void) {
    this.#onNegotiated = listener;
    if (this.#negotiated !== undefined) listener(this.#negotiated);
  }

  /** True when the far end has said just this last. */
  isKnownRemote(text: string): boolean {
    return this.#agreed !== undefined && formatSession(parseSession(text)) === formatSession(this.#agreed.remote);
  }

  /** True when the far end takes nothing from us. */
  get heldByRemote(): boolean {
    return this.#negotiated?.heldByRemote ?? false;
  }

  /** How the far end holds the call. */
  get hold(): Hold {
    if (!this.heldByRemote) return "none";
    return this.#negotiated?.direction.receiving === true ? "speaking" : "silent";
  }

  /** True when we may send. */
  get sending(): boolean {
    return this.#negotiated?.direction.sending ?? false;
  }

  /** Their formats of the audio that was agreed on, for the call's story; "" while there are none. */
  get offered(): string {
    const audio = this.#agreed?.remote.media.find(({ kind, port }) => kind === "audio" && port !== 0);
    return audio === undefined ? "" : describeFormats(audio);
  }

  /** True when keys are brought to the far end by INFO (DTMF-7). */
  get digitsByInfo(): boolean {
    return takesInfo(this.#policy, this.#negotiated);
  }

  /** What was agreed on, for the statement of the call; names no key. */
  facts(ports: LegPorts): MediaFacts | undefined {
    const n = this.#negotiated;
    if (n === undefined) return undefined;
    return {
      local: `${ports.address}:${ports.rtpPort}`,
      remote: n.remoteRtp === null ? "nowhere" : `${n.remoteRtp.address}:${n.remoteRtp.port}`,
      codec: n.codec,
      encryption: n.srtp?.suite ?? null,
    };
  }

  /** One line for the call's story; names no key. */
  get summary(): string {
    const n = this.#negotiated;
    if (n === undefined) return "no media agreed yet";
    const where = n.remoteRtp === null ? "nowhere" : `${n.remoteRtp.address}:${n.remoteRtp.port}`;
    return `${n.codec}, ${n.ptimeMs} ms, ${n.srtp === null ? "RTP" : `SRTP ${n.srtp.suite}`} to ${where}${n.heldByRemote ? ", on hold" : ""}`;
  }

  #rounds(): { previous?: Agreed; randomBytes: (length: number) => Uint8Array } {
    return {
      ...(this.#agreed === undefined ? {} : { previous: this.#agreed }),
      randomBytes: (length) => randomBytes(length),
    };
  }

  #optionsOf(negotiated: Negotiated): LegOptions {
    this.#negotiated = negotiated;
    this.#onNegotiated?.(negotiated);
    return {
      ...mediaOptionsOf(negotiated),
      sourcePolicy: this.#policy.sourcePolicy,
      mediaTimeoutMs: this.#policy.mediaTimeoutMs,
      digitsElsewhere: takesInfo(this.#policy, negotiated),
    };
  }
}

function takesInfo({ infoDigits = "off" }: MediaPolicy, negotiated: Negotiated | undefined): boolean {
  if (infoDigits === "without-events") return negotiated?.telephoneEvent === null;
  return infoDigits === "always";
}

function localMedia(policy: MediaPolicy, ports: LegPorts): LocalMedia {
  return {
    address: policy.announceAddress ?? policy.bindAddress,
    rtpPort: ports.rtpPort,
    rtcpPort: ports.rtcpPort,
    security: policy.security,
    sessionId: String(randomInt(1, 2 ** 47)),
  };
}

function withPorts(media: SessionDescription["media"][number], { rtpPort, rtcpPort }: LegPorts): typeof media {
  if (rtcpPort === rtpPort + 1) return { ...media, port: rtpPort };
  // RFC 3605 §2.1.
  const attributes = [...media.attributes, { name: "rtcp", value: String(rtcpPort) }];
  return { ...media, port: rtpPort, attributes };
}
