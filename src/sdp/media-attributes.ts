/**
 * The attributes of an audio description that negotiation reads: direction, packet time, addresses, multiplexing
 * (RFC 3264 §5.1, RFC 8866 §6.4, RFC 3605, RFC 5761). Every number is bounded before it is used (hardening R14).
 */

import { isIP, isIPv4 } from "node:net";
import { SdpRefusal } from "./refusal.ts";
import { type Attribute, attributeOf, type MediaDescription, type SessionDescription } from "./session.ts";

/** Both ways of one stream, seen from the gateway. */
export interface Direction {
  /** We may send. */
  readonly sending: boolean;
  /** We take what comes. */
  readonly receiving: boolean;
}

/** Numeric address and port. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** Packet time when nobody asked for another (RFC 3551 §4.2). */
export const PTIME_DEFAULT_MS = 20;
const PTIME_STEP_MS = 10;
const PTIME_MAX_MS = 60;

/** Who wrote the description may send and receive so; the media level hides the session level (RFC 3264 §5.1). */
export function directionOf(media: MediaDescription, session: SessionDescription): Direction {
  return directionIn(media.attributes) ?? directionIn(session.attributes) ?? { sending: true, receiving: true };
}

/** The attribute that says a direction, from the side of who writes it. */
export function directionAttribute(direction: Direction): Attribute {
  const name = direction.sending
    ? direction.receiving
      ? "sendrecv"
      : "sendonly"
    : direction.receiving
      ? "recvonly"
      : "inactive";
  return { name, value: null };
}

/** Packet time to send with towards who wrote the description: 10 to 60 ms in steps of 10 (SDP-7). */
export function ptimeOf(media: MediaDescription): number {
  const wished = wholeMs(attributeOf(media, "ptime"));
  const fits = wished !== null && wished >= PTIME_STEP_MS && wished <= PTIME_MAX_MS && wished % PTIME_STEP_MS === 0;
  const ptime = fits ? wished : PTIME_DEFAULT_MS;
  const most = wholeMs(attributeOf(media, "maxptime"));
  if (most === null || most >= ptime) return ptime;
  return Math.max(PTIME_STEP_MS, most - (most % PTIME_STEP_MS));
}

/**
 * Where RTP is to go, or null when the address says "send nothing" (0.0.0.0, the hold of RFC 2543; SDP-9).
 * @param ownAddress - our own address, whose family the other has to share
 * @throws SdpRefusal "unparsable" without any c= line, "bad-address" when it is no unicast address of our family (SDP-15)
 */
export function remoteRtpOf(
  media: MediaDescription,
  session: SessionDescription,
  ownAddress: string,
): SocketAddress | null {
  const connection = media.connection ?? session.connection;
  if (connection === null) throw new SdpRefusal("unparsable", "SDP has no c= line for its audio");
  const { address } = connection;
  const family = isIP(address);
  if (connection.netType !== "IN" || family === 0)
    throw new SdpRefusal("bad-address", "the c= line of the audio is no numeric IP address");
  if (isUnspecified(address)) return null;
  if (isMulticast(address)) throw new SdpRefusal("bad-address", `the audio is for multicast address ${address}`);
  if (family !== isIP(ownAddress))
    throw new SdpRefusal(
      "bad-address",
      `the audio is for ${address}, media here has addresses of IPv${isIP(ownAddress)}`,
    );
  return { address, port: media.port };
}

/** Where RTCP is to go: the RTP port with mux, what `a=rtcp` says (RFC 3605), or the next port. */
export function remoteRtcpOf(media: MediaDescription, rtp: SocketAddress | null, mux: boolean): SocketAddress | null {
  if (rtp === null || mux) return rtp;
  const [portText, , , address] = (attributeOf(media, "rtcp") ?? "").split(" ");
  const port = portText !== undefined && /^[0-9]{1,5}$/.test(portText) ? Number(portText) : 0;
  if (port >= 1 && port <= 65535) {
    if (address === undefined) return { address: rtp.address, port };
    if (isIP(address) === isIP(rtp.address) && !isUnspecified(address) && !isMulticast(address))
      return { address, port };
  }
  return rtp.port < 65535 ? { address: rtp.address, port: rtp.port + 1 } : null;
}

/** True when the description offers or takes RTP and RTCP on one port (RFC 5761 §5.1.1). */
export function wantsRtcpMux(media: MediaDescription): boolean {
  return attributeOf(media, "rtcp-mux") !== undefined;
}

/** The texts after `a=crypto:`. */
export function cryptoValues(media: MediaDescription): string[] {
  return media.attributes.flatMap(({ name, value }) => (name === "crypto" && value !== null ? [value] : []));
}

function directionIn(attributes: readonly Attribute[]): Direction | null {
  for (const { name } of attributes) {
    if (name === "sendrecv") return { sending: true, receiving: true };
    if (name === "sendonly") return { sending: true, receiving: false };
    if (name === "recvonly") return { sending: false, receiving: true };
    if (name === "inactive") return { sending: false, receiving: false };
  }
  return null;
}

/** A whole number of milliseconds below 100,000, or null. */
function wholeMs(value: string | null | undefined): number | null {
  return typeof value === "string" && /^[0-9]{1,5}$/.test(value) ? Number(value) : null;
}

function isUnspecified(address: string): boolean {
  return address === "0.0.0.0" || (isIP(address) === 6 && /^[0:]+$/.test(address));
}

/** Multicast, and 240.0.0.0/4 with its broadcast address. */
function isMulticast(address: string): boolean {
  if (isIPv4(address)) return Number(address.split(".", 1)[0]) >= 224;
  return /^ff/i.test(address);
}
