/**
 * The media of a call as it was on the wire: RTP, or SRTP taken apart by the reference implementation with the keys that
 * stand in the SDP of a peer's own trace. Rollover counters are guessed as RFC 3711 §3.3.1 and appendix A say.
 */
import type { CapturedDatagram } from "./pcap.ts";
import { deriveKeys, headerBytes, protectRtp, type ReferenceKeys } from "./srtp-reference.ts";

export interface WirePacket {
  /** Seconds, of the capture. */
  readonly at: number;
  readonly ssrc: number;
  readonly sequence: number;
  /** Rollover counter under which it authenticated, 0 for plain RTP. */
  readonly rolloverCounter: number;
  readonly timestamp: number;
  readonly payloadType: number;
  readonly marker: boolean;
  /** Decrypted. */
  readonly payload: Buffer;
  /** False for SRTP that no key of its sender opens. */
  readonly isAuthentic: boolean;
}

/** Keys of RFC 4568 lines, in the order in which they were told. */
interface SdpKey {
  readonly keys: ReferenceKeys;
  readonly tagBytes: number;
}

/** An `m=audio` line that somebody told: where it listens, and what protects what it sends. */
export interface ToldMedia {
  readonly address: string;
  readonly port: number;
  readonly protocol: string;
  readonly direction: string;
  /** Values of its crypto lines. */
  readonly crypto: readonly string[];
}

/** All audio descriptions in a text of SIP messages, oldest first. */
export function mediaIn(text: string): ToldMedia[] {
  return text
    .split(/^v=0\r?$/m)
    .slice(1)
    .flatMap((sdp) => {
      const audio = /^m=audio (\d+) (\S+)/m.exec(sdp);
      const address = /^c=IN IP4 (\S+)/m.exec(sdp);
      if (audio === null || address === null) return [];
      return [
        {
          address: address[1]!,
          port: Number(audio[1]),
          protocol: audio[2]!,
          direction: /^a=(sendrecv|sendonly|recvonly|inactive)/m.exec(sdp)?.[1] ?? "sendrecv",
          crypto: [...sdp.matchAll(/^a=crypto:(\d+ \S+ inline:\S+)/gm)].map(([, value]) => value!),
        },
      ];
    });
}

/**
 * The RTP of one sender, in the order of arrival.
 * @param port - that it sends from
 * @param media - what was told in SDP: with a crypto line for that port, packets are opened with it
 */
export function streamFrom(
  datagrams: readonly CapturedDatagram[],
  port: number,
  media: readonly ToldMedia[],
): WirePacket[] {
  const keys = [
    ...new Set(
      media
        .filter((one) => one.port === port)
        .flatMap(({ crypto }) => crypto.filter((value) => value.includes(" AES_CM_128_"))),
    ),
  ].map(keyOf);
  const counters = new Map<string, Counter>();
  return datagrams
    .filter(({ fromPort, payload }) => fromPort === port && isRtp(payload))
    .map(({ at, payload }) => {
      const opened = keys.length === 0 ? { packet: payload, roc: 0 } : open(payload, keys, counters);
      const packet = opened?.packet ?? payload;
      return {
        at,
        ssrc: packet.readUInt32BE(8),
        sequence: packet.readUInt16BE(2),
        rolloverCounter: opened?.roc ?? 0,
        timestamp: packet.readUInt32BE(4),
        payloadType: packet[1]! & 127,
        marker: packet[1]! > 127,
        payload: packet.subarray(headerBytes(packet)),
        isAuthentic: opened !== undefined,
      };
    });
}

/** Audio alone, as octets of the codec. */
export function audioOf(packets: readonly WirePacket[]): Buffer {
  return Buffer.concat(
    packets.filter(({ payloadType }) => payloadType === 0 || payloadType === 8).map(({ payload }) => payload),
  );
}

interface Counter {
  roc: number;
  highest: number;
}

/** Under the newest key that fits, each key and SSRC with a counter of its own. */
function open(
  payload: Buffer,
  keys: readonly SdpKey[],
  counters: Map<string, Counter>,
): { packet: Buffer; roc: number } | undefined {
  const sequence = payload.readUInt16BE(2);
  const ssrc = payload.readUInt32BE(8);
  for (const [index, { keys: reference, tagBytes }] of [...keys.entries()].reverse()) {
    const name = `${index} ${ssrc}`;
    const counter = counters.get(name) ?? { roc: 0, highest: sequence };
    const roc = guess(counter, sequence);
    if (roc < 0 || payload.length < 12 + tagBytes) continue;
    // Counter mode is its own inverse; the packet is right when protecting the plain one gives it again, tag and all.
    const body = payload.subarray(0, payload.length - tagBytes);
    const packet = protectRtp(reference, body, roc, 0);
    if (!protectRtp(reference, packet, roc, tagBytes).equals(payload)) continue;
    if (roc > counter.roc || (roc === counter.roc && sequence > counter.highest)) {
      counter.roc = roc;
      counter.highest = sequence;
    }
    counters.set(name, counter);
    return { packet, roc };
  }
  return undefined;
}

/** RFC 3711 appendix A. */
function guess({ roc, highest }: Counter, sequence: number): number {
  if (highest < 0x8000) return sequence - highest > 0x8000 ? roc - 1 : roc;
  return highest - 0x8000 > sequence ? roc + 1 : roc;
}

function keyOf(crypto: string): SdpKey {
  const [, suite, inline] = crypto.split(" ") as [string, string, string];
  const keySalt = Buffer.from(inline.slice("inline:".length).split("|")[0]!, "base64");
  return { keys: deriveKeys(keySalt), tagBytes: suite.endsWith("_80") ? 10 : 4 };
}

/** Version 2, and no RTCP (RFC 5761 §4). */
function isRtp(payload: Buffer): boolean {
  return payload.length >= 12 && payload[0]! >> 6 === 2 && (payload[1]! < 192 || payload[1]! > 223);
}
