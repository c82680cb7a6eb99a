/** Who spoke with whom in a capture, as tshark reads it: both ends of every packet of UDP and TCP. */
import { Peer } from "./peers.ts";

export interface WirePacket {
  readonly protocol: "udp" | "tcp";
  readonly from: string;
  readonly fromPort: number;
  readonly to: string;
  readonly toPort: number;
}

export async function wirePackets(file: string): Promise<WirePacket[]> {
  const fields = ["ip.src", "ip.dst", "udp.srcport", "udp.dstport", "tcp.srcport", "tcp.dstport"];
  const peer = new Peer("tshark", ["-r", file, "-T", "fields", ...fields.flatMap((field) => ["-e", field])], "/tmp");
  await peer.finished;
  const packets: WirePacket[] = [];
  for (const line of peer.stdout.split("\n")) {
    const [from, to, udpFrom, udpTo, tcpFrom, tcpTo] = line.split("\t");
    if (from === undefined || to === undefined) continue;
    const protocol = udpFrom === "" ? "tcp" : "udp";
    packets.push({ protocol, from, to, fromPort: Number(udpFrom || tcpFrom), toPort: Number(udpTo || tcpTo) });
  }
  return packets;
}
