/**
 * Offer and answer for one audio stream (RFC 3264), SDES included (RFC 4568 §7): pure functions over descriptions.
 * Everything a later round needs is in the descriptions of the round before, so no state is kept here. Where the audio
 * is to go, with which codec and which keys, comes out as `Negotiated`. What cannot be agreed on is an `SdpRefusal`.
 */

import { isIPv6 } from "node:net";
import { chooseAudio, type Security } from "./choose-audio.ts";
import { type CryptoSuite, formatCrypto, KEY_SALT_LENGTH_BYTES, sameKey } from "./crypto-attribute.ts";
import {
  cryptoValues,
  type Direction,
  directionAttribute,
  directionOf,
  PTIME_DEFAULT_MS,
  ptimeOf,
  wantsRtcpMux,
} from "./media-attributes.ts";
import { type Negotiated, negotiatedFrom, onlyCrypto } from "./negotiated.ts";
import {
  type AudioCodec,
  boundPayloadTypes,
  describeFormats,
  formatAttributes,
  isAudioCodec,
  type PayloadFormat,
  usableFormats,
} from "./payload-formats.ts";
import { SdpRefusal } from "./refusal.ts";
import { type Attribute, formatSession, type MediaDescription, type SessionDescription } from "./session.ts";

export type { Security } from "./choose-audio.ts";
export type { Negotiated } from "./negotiated.ts";

/** Our side of the stream. */
export interface LocalMedia {
  /** Address that we announce (numeric IPv4 or IPv6) and the ports behind it. */
  readonly address: string;
  readonly rtpPort: number;
  /** Default `rtpPort` + 1. */
  readonly rtcpPort?: number;
  /**
   * `none`: plain RTP, SAVP is refused (R-SEC-4). `required`: SRTP or nothing (R-SEC-3). `optional`: an offer of SRTP is
   * taken, our own offers are plain.
   */
  readonly security: Security;
  /** Numeric text for o=; kept over all rounds of a session. */
  readonly sessionId: string;
  /** Codecs that we take, and the order in which we offer them; default PCMU, PCMA (R-ORIG-25). */
  readonly codecs?: readonly AudioCodec[];
  /** Default both ways. What the other side allows narrows it. */
  readonly direction?: Direction;
  /** Offer RTP and RTCP on one port; an offer of theirs is always accepted (SDP-16). Default false. */
  readonly offerRtcpMux?: boolean;
}

/** Both descriptions that hold now: ours and theirs, whichever was the offer. */
export interface Agreed {
  readonly local: SessionDescription;
  readonly remote: SessionDescription;
}

export interface NegotiationOptions {
  /** The round before; absent in the first. */
  readonly previous?: Agreed;
  /** Cryptographic randomness for keys. */
  readonly randomBytes: (lengthBytes: number) => Uint8Array;
}

export interface OfferOptions extends NegotiationOptions {
  /** Take a new key although an old one is there (SDP-SEC-7). */
  readonly rekey?: boolean;
}

const TELEPHONE_EVENT_PAYLOAD_TYPE = 101;
const STATIC_PAYLOAD_TYPES: Readonly<Record<AudioCodec, number>> = { PCMU: 0, PCMA: 8 };
const OUR_TAG = 1;
const OUR_SUITE: CryptoSuite = "AES_CM_128_HMAC_SHA1_80";

/**
 * An offer of ours: first, or a re-offer when `previous` is given. A re-offer keeps the m= lines, payload types, session
 * identifier and key of the session, and counts the version up only when something changed (SDP-10, SDP-12, SDP-SEC-7).
 */
export function createOffer(local: LocalMedia, options: OfferOptions): SessionDescription {
  const { previous } = options;
  const old = previous === undefined ? undefined : audioOf(previous.local);
  const secure = old === undefined ? local.security === "required" : old.media.protocol.includes("SAVP");
  const formats = offeredFormats(local, previous);
  const attributes: Attribute[] = [
    ...formatAttributes(formats),
    { name: "ptime", value: String(old === undefined ? PTIME_DEFAULT_MS : ptimeOf(old.media)) },
  ];
  const mux = old === undefined ? local.offerRtcpMux === true : wantsRtcpMux(old.media);
  if (secure) {
    const before = old === undefined || options.rekey === true ? null : onlyCrypto(old.media);
    const crypto = before ?? { tag: OUR_TAG, suite: OUR_SUITE, keySalt: options.randomBytes(KEY_SALT_LENGTH_BYTES) };
    attributes.push({ name: "crypto", value: formatCrypto(crypto) });
  }
  attributes.push(...rtcpAttributes(local, mux), directionAttribute(local.direction ?? BOTH_WAYS));
  const audio: MediaDescription = {
    kind: "audio",
    port: local.rtpPort,
    protocol: old?.media.protocol ?? (secure ? "RTP/SAVP" : "RTP/AVP"),
    formats: formats.map((format) => String(format.payloadType)),
    connection: null,
    attributes,
  };
  const media = previous === undefined ? [audio] : previous.local.media.map(refusedMedia);
  if (old !== undefined) media[old.index] = audio;
  else if (previous !== undefined) media.push(audio);
  return describe(local, media, previous?.local);
}

/**
 * Answers an offer: one audio stream is taken, all other m= lines get port 0 (SDP-4). An offer that repeats the round
 * before is answered with the same description, version included (SDP-10).
 * @throws SdpRefusal when nothing in the offer can be used, or it has fewer m= lines than before (SDP-12)
 */
export function answerOffer(
  offer: SessionDescription,
  local: LocalMedia,
  options: NegotiationOptions,
): { answer: SessionDescription; negotiated: Negotiated } {
  const { previous } = options;
  if (previous !== undefined && offer.media.length < previous.remote.media.length)
    throw new SdpRefusal(
      "stream-removed",
      `the offer has ${offer.media.length} m= lines, the session had ${previous.remote.media.length}: lines are set to port 0, never removed`,
    );
  const chosen = chooseAudio(offer, local);
  const theirs = offer.media[chosen.index]!;
  const theirDirection = directionOf(theirs, offer);
  const wish = local.direction ?? BOTH_WAYS;
  const direction: Direction = {
    sending: wish.sending && theirDirection.receiving && chosen.rtp !== null,
    receiving: wish.receiving && theirDirection.sending,
  };
  const mux = wantsRtcpMux(theirs);
  const attributes: Attribute[] = [
    ...formatAttributes(chosen.formats),
    { name: "ptime", value: String(ptimeOf(theirs)) },
  ];
  if (chosen.crypto !== null) {
    const keySalt = keptKey(chosen.crypto, previous) ?? options.randomBytes(KEY_SALT_LENGTH_BYTES);
    const { tag, suite } = chosen.crypto;
    attributes.push({ name: "crypto", value: formatCrypto({ tag, suite, keySalt }) });
  }
  attributes.push(...rtcpAttributes(local, mux), directionAttribute(direction));
  const audio: MediaDescription = {
    kind: "audio",
    port: local.rtpPort,
    protocol: theirs.protocol,
    formats: chosen.formats.map((format) => String(format.payloadType)),
    connection: null,
    attributes,
  };
  const media = offer.media.map((line, index) => (index === chosen.index ? audio : refusedMedia(line)));
  const answer = describe(local, media, previous?.local);
  const negotiated = negotiatedFrom({
    local: audio,
    remote: theirs,
    formats: chosen.formats.map(({ name, payloadType }) => ({ name, send: payloadType, receive: payloadType })),
    rtp: chosen.rtp,
    rtcpMux: mux,
    direction,
    remoteReceives: theirDirection.receiving,
    theirCrypto: chosen.crypto,
  });
  return { answer, negotiated };
}

/**
 * Reads the answer to an offer of ours.
 * @param offer - exactly what was sent
 * @throws SdpRefusal "answer-violates-offer" when the answer is none (SDP-21, SDP-SEC-10): the call is to be ended
 */
export function applyAnswer(offer: SessionDescription, answer: SessionDescription, local: LocalMedia): Negotiated {
  const violation = (message: string) => new SdpRefusal("answer-violates-offer", message);
  if (answer.media.length !== offer.media.length)
    throw violation(`the answer has ${answer.media.length} m= lines, the offer had ${offer.media.length}`);
  const ours = audioOf(offer);
  if (ours === undefined) throw new TypeError("offer has no audio stream");
  const theirs = answer.media[ours.index]!;
  if (theirs.kind !== "audio") throw violation("the answer has another kind of media where audio was offered");
  if (theirs.port === 0) throw violation("the answer refuses the audio stream");
  if (theirs.protocol !== ours.media.protocol)
    throw violation(`the answer says ${theirs.protocol.slice(0, 32)}, the offer said ${ours.media.protocol}`);

  const offered = usableFormats(ours.media);
  const formats = usableFormats(theirs).flatMap(({ name, payloadType }) => {
    const own = offered.find((format) => format.name === name);
    return own === undefined ? [] : [{ name, send: payloadType, receive: own.payloadType }];
  });
  // Extra formats at the end are passed over; the first codec is what they are going to send.
  const [first] =
    [...boundPayloadTypes(theirs)].find(([, encoding]) => !/^(TELEPHONE-EVENT|CN)\//.test(encoding)) ?? [];
  if (!formats.some(({ name, send }) => send === first && (name === "PCMU" || name === "PCMA")))
    throw violation(`the answer has ${describeFormats(theirs)}, its first codec was not offered`);

  const answered = chooseAudio({ ...answer, media: [theirs] }, { ...local, security: securityOf(ours.media) });
  const ourCrypto = onlyCrypto(ours.media);
  if (ourCrypto !== null) {
    const theirCrypto = answered.crypto;
    if (theirCrypto === null || cryptoValues(theirs).length !== 1)
      throw violation("the answer has not one crypto line");
    if (theirCrypto.tag !== ourCrypto.tag || theirCrypto.suite !== ourCrypto.suite)
      throw violation("the crypto line of the answer has another tag or suite than the offer");
    // Our own key sent back would protect both directions: one keystream twice (hardening R13).
    if (sameKey(theirCrypto, ourCrypto)) throw violation("the answer repeats our own key");
  }
  const theirDirection = directionOf(theirs, answer);
  const offeredDirection = directionOf(ours.media, offer);
  return negotiatedFrom({
    local: ours.media,
    remote: theirs,
    formats,
    rtp: answered.rtp,
    rtcpMux: wantsRtcpMux(ours.media) && wantsRtcpMux(theirs),
    direction: {
      sending: offeredDirection.sending && theirDirection.receiving && answered.rtp !== null,
      receiving: offeredDirection.receiving && theirDirection.sending,
    },
    remoteReceives: theirDirection.receiving,
    theirCrypto: answered.crypto,
  });
}

const BOTH_WAYS: Direction = { sending: true, receiving: true };

/** The audio stream in use: the only m=audio line of ours whose port is not 0. */
function audioOf(session: SessionDescription): { media: MediaDescription; index: number } | undefined {
  const index = session.media.findIndex((media) => media.kind === "audio" && media.port !== 0);
  return index < 0 ? undefined : { media: session.media[index]!, index };
}

function securityOf(media: MediaDescription): Security {
  return media.protocol.includes("SAVP") ? "required" : "none";
}

/** A stream that we do not use: port 0, one format, since the grammar wants one (RFC 3264 §6). */
function refusedMedia(media: MediaDescription): MediaDescription {
  return {
    kind: media.kind,
    port: 0,
    protocol: media.protocol,
    formats: media.formats.slice(0, 1),
    connection: null,
    attributes: [],
  };
}

/** `a=rtcp-mux`, or `a=rtcp:` when our RTCP port is not the next one (RFC 3605). */
function rtcpAttributes(local: LocalMedia, mux: boolean): Attribute[] {
  if (mux) return [{ name: "rtcp-mux", value: null }];
  if (local.rtcpPort === undefined || local.rtcpPort === local.rtpPort + 1) return [];
  return [{ name: "rtcp", value: String(local.rtcpPort) }];
}

/** Formats of an offer: the session's numbers where it has some, ours where they are still free (SDP-6). */
function offeredFormats(local: LocalMedia, previous: Agreed | undefined): PayloadFormat[] {
  const names: PayloadFormat["name"][] = [...(local.codecs ?? (["PCMU", "PCMA"] as const)), "telephone-event"];
  const bound = new Map<number, string>();
  const known: PayloadFormat[] = [];
  for (const session of previous === undefined ? [] : [previous.local, previous.remote]) {
    const audio = session.media.find((media) => media.kind === "audio" && media.port !== 0);
    if (audio === undefined) continue;
    for (const [payloadType, encoding] of boundPayloadTypes(audio)) bound.set(payloadType, encoding);
    known.push(...usableFormats(audio));
  }
  const formats = names.flatMap((name): PayloadFormat[] => {
    const before = known.find((format) => format.name === name);
    if (before !== undefined) return [before];
    const payloadType = freePayloadType(name, bound);
    if (payloadType === undefined) return [];
    bound.set(payloadType, `${name.toUpperCase()}/8000`);
    return [{ name, payloadType }];
  });
  // What the session uses now comes first, so that a hold does not change the codec.
  const current = known.find(isAudioCodec);
  return current === undefined
    ? formats
    : formats.sort((a, b) => +(b.name === current.name) - +(a.name === current.name));
}

function freePayloadType(name: PayloadFormat["name"], bound: ReadonlyMap<number, string>): number | undefined {
  if (name === "PCMU" || name === "PCMA") {
    const payloadType = STATIC_PAYLOAD_TYPES[name];
    return bound.has(payloadType) ? undefined : payloadType;
  }
  const dynamic = [TELEPHONE_EVENT_PAYLOAD_TYPE, ...Array.from({ length: 32 }, (_, offset) => 96 + offset)];
  return dynamic.find((payloadType) => !bound.has(payloadType));
}

/** Our key of the round before, when their key is the same too (SDP-SEC-6); a new key of theirs gets a new one of ours. */
function keptKey(theirs: { suite: CryptoSuite; keySalt: Uint8Array }, previous: Agreed | undefined): Uint8Array | null {
  if (previous === undefined) return null;
  const ours = audioOf(previous.local);
  const old = ours === undefined ? null : onlyCrypto(ours.media);
  if (ours === undefined || old === null || old.suite !== theirs.suite) return null;
  const theirOld = previous.remote.media[ours.index];
  const theirOldCrypto = theirOld === undefined ? null : onlyCrypto(theirOld, old.tag);
  return theirOldCrypto !== null && sameKey(theirOldCrypto, theirs) ? old.keySalt : null;
}

/** Puts session lines around the media; the version moves only when the text does (SDP-10). */
function describe(
  local: LocalMedia,
  media: readonly MediaDescription[],
  before: SessionDescription | undefined,
): SessionDescription {
  const addressType = isIPv6(local.address) ? "IP6" : "IP4";
  const connection = { netType: "IN", addressType, address: local.address };
  const made = (sessionVersion: string): SessionDescription => ({
    origin: { username: "-", sessionId: before?.origin.sessionId ?? local.sessionId, sessionVersion, ...connection },
    connection,
    attributes: [],
    media,
  });
  if (before === undefined) return made("1");
  const unchanged = made(before.origin.sessionVersion);
  if (formatSession(unchanged) === formatSession(before)) return unchanged;
  return made(String(BigInt(before.origin.sessionVersion) + 1n));
}
