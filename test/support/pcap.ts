/** Captures of loopback traffic by tcpdump, read back as UDP datagrams. */
import { readFileSync } from "node:fs";
import { Peer } from "./peers.ts";

export interface CapturedDatagram {
  readonly from: string;
  readonly fromPort: number;
  readonly to: string;
  readonly toPort: number;
  readonly payload: Buffer;
  /** Seconds. */
  readonly at: number;
}

/** Starts tcpdump on the loopback interface; resolves when it listens. */
export async function capture(file: string, filter: string): Promise<{ stop: () => Promise<void> }> {
  // The ring of immediate mode has one place of full length a packet: with short places it holds seconds instead of eight packets.
  const ring = ["-s", "9000", "-B", "16384"];
  const peer = new Peer("tcpdump", ["-i", "lo", "--immediate-mode", ...ring, "-U", "-w", file, filter], "/tmp");
  for (let attempt = 0; attempt < 200 && !peer.stderr.includes("listening on"); attempt++) {
    if (peer.ended) throw new Error(`tcpdump ended: ${peer.stderr}`);
    await new Promise((done) => setTimeout(done, 25));
  }
  return { stop: () => peer.stop("SIGTERM") };
}

/** All IPv4 UDP datagrams of a capture. */
export function datagramsOf(file: string): CapturedDatagram[] {
  const bytes = readFileSync(file);
  const found: CapturedDatagram[] = [];
  for (let at = 24; at + 16 <= bytes.length; ) {
    const seconds = bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) / 1e6;
    const length = bytes.readUInt32LE(at + 8);
    const frame = bytes.subarray(at + 16, at + 16 + length);
    at += 16 + length;
    // Ethernet header of the loopback interface, IPv4, UDP.
    if (frame.length < 42 || frame.readUInt16BE(12) !== 0x0800 || frame[23] !== 17) continue;
    const ip = 14;
    const udp = ip + (frame[ip]! & 15) * 4;
    const address = (offset: number): string => [...frame.subarray(offset, offset + 4)].join(".");
    found.push({
      from: address(ip + 12),
      to: address(ip + 16),
      fromPort: frame.readUInt16BE(udp),
      toPort: frame.readUInt16BE(udp + 2),
      payload: Buffer.from(frame.subarray(udp + 8, udp + frame.readUInt16BE(udp + 4))),
      at: seconds,
    });
  }
  return found;
}
