/**
 * Differentiated services marks of what is sent (RFC 2474 §3, SIP-TP-16): networks that know them carry voice first. Node marks TCP
 * sockets itself; for UDP the system is called through the FFI package koffi, where that is installed. A mark that cannot be set changes
 * nothing else.
 */

import type { Socket as DatagramSocket } from "node:dgram";
import { createRequire } from "node:module";
import type { Socket } from "node:net";

/** Class selector 3 for signalling and expedited forwarding for media (RFC 4594 §4.1, §4.2). */
export const DSCP_SIGNALLING = 24;
export const DSCP_MEDIA = 46;

const IPPROTO_IP = 0;
const IP_TOS = 1;
const IPPROTO_IPV6 = 41;
const IPV6_TCLASS = 67;

type SetSocketOption = (fd: number, level: number, name: number, value: Uint8Array, length: number) => number;

/** Level, name and value of the socket option that sets a mark; the two low bits are for congestion (RFC 3168 §5). */
export function markOption(dscp: number, isIPv6: boolean): { level: number; name: number; value: Uint8Array } {
  const value = new Uint8Array(new Uint32Array([dscp << 2]).buffer);
  return isIPv6 ? { level: IPPROTO_IPV6, name: IPV6_TCLASS, value } : { level: IPPROTO_IP, name: IP_TOS, value };
}

let setSocketOption: SetSocketOption | null | undefined;

function systemCall(): SetSocketOption | null {
  if (setSocketOption !== undefined) return setSocketOption;
  try {
    if (process.platform !== "linux") throw new Error("the numbers above are Linux's");
    const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
    setSocketOption = koffi.load(null).func("int setsockopt(int, int, int, const void *, uint32_t)");
  } catch {
    setSocketOption = null;
  }
  return setSocketOption;
}

/**
 * Marks what a bound UDP socket sends.
 * @param dscp - 0 to 63; 0 leaves the socket as it is
 */
export function markDatagrams(socket: DatagramSocket, dscp: number): void {
  if (dscp === 0) return;
  const call = systemCall();
  const fd = descriptorOf(socket);
  if (call === null || fd < 0) return;
  const { level, name, value } = markOption(dscp, socket.address().family === "IPv6");
  call(fd, level, name, value, value.length);
}

/** Node keeps the descriptor to itself, behind a symbol of its own; -1 where a version of Node has it elsewhere. */
function descriptorOf(socket: DatagramSocket): number {
  for (const symbol of Object.getOwnPropertySymbols(socket)) {
    const state = (socket as unknown as Record<symbol, { handle?: { fd?: number } } | undefined>)[symbol];
    const fd = state?.handle?.fd;
    if (typeof fd === "number") return fd;
  }
  return -1;
}

/** As `markDatagrams`, for a TCP or TLS connection. */
export function markConnection(socket: Socket, dscp: number): void {
  // Newer than the oldest Node that we run on.
  if (dscp === 0 || typeof socket.setTypeOfService !== "function") return;
  try {
    socket.setTypeOfService(dscp << 2);
  } catch {
    // It is closed already.
  }
}
