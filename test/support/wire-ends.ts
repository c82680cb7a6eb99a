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

/** One row of `/v1/Network`. */
export interface NetworkEntry {
  readonly edge: string;
  readonly protocol: string;
  readonly transport: "udp" | "tcp";
  readonly address: string;
  readonly port_min: number;
  readonly port_max: number;
}

/** How many ends of packets are ours, and those that the list does not have (R-NET-2). */
export function outsideOf(
  list: readonly NetworkEntry[],
  packets: readonly WirePacket[],
  own: readonly string[],
): { readonly ends: number; readonly outside: readonly string[] } {
  const ends = packets.flatMap(({ protocol, from, fromPort, to, toPort }) => [
    ...(own.includes(from) ? [{ protocol, address: from, port: fromPort }] : []),
    ...(own.includes(to) ? [{ protocol, address: to, port: toPort }] : []),
  ]);
  const outside = ends.filter(
    ({ protocol, address, port }) =>
      !list.some(
        (row) => row.transport === protocol && row.address === address && port >= row.port_min && port <= row.port_max,
      ),
  );
  return {
    ends: ends.length,
    outside: [...new Set(outside.map(({ protocol, address, port }) => `${protocol} ${address}:${port}`))],
  };
}
