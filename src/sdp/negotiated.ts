/** The outcome of offer and answer for one audio stream, in the terms of a media leg. */

import { acceptableCrypto, type CryptoAttribute, type CryptoSuite } from "./crypto-attribute.ts";
import { cryptoValues, type Direction, ptimeOf, remoteRtcpOf, type SocketAddress } from "./media-attributes.ts";
import type { AudioCodec, PayloadFormat } from "./payload-formats.ts";
import type { MediaDescription } from "./session.ts";

/** Keys of both directions. Each side's key protects what that side sends (RFC 4568 §7.1.2). */
export interface NegotiatedSrtp {
  readonly suite: CryptoSuite;
  /** 30 octets each. */
  readonly sendKeySalt: Uint8Array;
  readonly receiveKeySalt: Uint8Array;
  /** Packets that their key may protect before it has to be changed, or null: 2^48. */
  readonly receiveLifetimePackets: number | null;
}

export interface Negotiated {
  /** What we send: the first codec of the answer. */
  readonly codec: AudioCodec;
  /** Payload type to send it with. */
  readonly payloadType: number;
  /** Payload type that they send it with; differs from `payloadType` only where the answer renumbered it. */
  readonly receivePayloadType: number;
  /** Payload type under which they may send the other law, or -1. */
  readonly alternatePayloadType: number;
  /** Both numbers, or null when key presses have no event format (RFC 4733). */
  readonly telephoneEvent: { readonly sendPayloadType: number; readonly receivePayloadType: number } | null;
  /** Payload type of comfort noise that they may send, or -1 (RFC 3389). */
  readonly comfortNoisePayloadType: number;
  /** Packet time that we send, 10 to 60 ms in steps of 10. */
  readonly ptimeMs: number;
  /** null: nothing is sent (c=0.0.0.0). */
  readonly remoteRtp: SocketAddress | null;
  readonly remoteRtcp: SocketAddress | null;
  readonly rtcpMux: boolean;
  /** Ours to send, ours to receive. */
  readonly direction: Direction;
  /** They hold the call: they take nothing from us (SDP-9). */
  readonly heldByRemote: boolean;
  /** null: plain RTP. */
  readonly srtp: NegotiatedSrtp | null;
}

/** A format under the number that each side gave it (SDP-6). */
export interface AgreedFormat {
  readonly name: PayloadFormat["name"];
  /** Their number: we send with it. */
  readonly send: number;
  /** Our number: they send with it. */
  readonly receive: number;
}

/** Puts the outcome together; `formats` has at least one audio codec. */
export function negotiatedFrom(agreed: {
  readonly local: MediaDescription;
  readonly remote: MediaDescription;
  readonly formats: readonly AgreedFormat[];
  readonly rtp: SocketAddress | null;
  readonly rtcpMux: boolean;
  readonly direction: Direction;
  /** Their side says that it takes audio from us. */
  readonly remoteReceives: boolean;
  readonly theirCrypto: CryptoAttribute | null;
}): Negotiated {
  const { formats, rtp, rtcpMux, theirCrypto, direction } = agreed;
  const [main, other] = formats.filter(isAudio);
  if (main === undefined) throw new TypeError("formats has no audio codec");
  const event = formats.find((format) => format.name === "telephone-event");
  const ourCrypto = onlyCrypto(agreed.local);
  return {
    codec: main.name,
    payloadType: main.send,
    receivePayloadType: main.receive,
    alternatePayloadType: other?.receive ?? -1,
    telephoneEvent: event === undefined ? null : { sendPayloadType: event.send, receivePayloadType: event.receive },
    comfortNoisePayloadType: formats.find((format) => format.name === "CN")?.receive ?? -1,
    ptimeMs: ptimeOf(agreed.remote),
    remoteRtp: rtp,
    remoteRtcp: remoteRtcpOf(agreed.remote, rtp, rtcpMux),
    rtcpMux,
    direction,
    heldByRemote: !agreed.remoteReceives || rtp === null,
    srtp:
      theirCrypto === null || ourCrypto === null
        ? null
        : {
            suite: theirCrypto.suite,
            sendKeySalt: ourCrypto.keySalt,
            receiveKeySalt: theirCrypto.keySalt,
            receiveLifetimePackets: theirCrypto.lifetimePackets,
          },
  };
}

/**
 * The one key line of a description that carries one, ours above all; with several, the one of that tag.
 * @returns null for plain RTP or when no line, or no line of that tag, can be used
 */
export function onlyCrypto(media: MediaDescription, tag?: number): CryptoAttribute | null {
  const { acceptable } = acceptableCrypto(cryptoValues(media));
  return acceptable.find((crypto) => tag === undefined || crypto.tag === tag) ?? null;
}

function isAudio(format: AgreedFormat): format is AgreedFormat & { readonly name: AudioCodec } {
  return format.name === "PCMU" || format.name === "PCMA";
}
