/**
 * Every address and port that the gateway uses towards others, for the firewalls of peers (R-NET-1): what is not in this list
 * never goes over the wire (R-NET-2). A pure function of the edges.
 */

import type { EdgePlan } from "./edge-plan.ts";

export interface NetworkRow {
  readonly edge: string;
  readonly region: string | null;
  readonly protocol: "SIP" | "SIP over TLS" | "RTP and RTCP" | "Media Streams";
  readonly transport: "udp" | "tcp";
  readonly address: string;
  readonly portMin: number;
  readonly portMax: number;
  /** As the gateway sees it: `in` is opened by the peer. */
  readonly direction: "in and out" | "in" | "out";
}

/** Ports that a system gives to connections that it opens, and to sockets that ask for any. */
const ANY_MIN = 1024;
const ANY_MAX = 65_535;

export function networkRows(plans: readonly EdgePlan[]): NetworkRow[] {
  const like = plans.find(({ listen }) => listen.length > 0);
  return plans.flatMap((plan) => [...signalling(plan, like), ...media(plan)]);
}

/** @param like - an edge that is served: one that is elsewhere is taken to listen in the same ways */

function signalling({ name: edge, region, listen, addresses }: EdgePlan, like: EdgePlan | undefined): NetworkRow[] {
  const rows: NetworkRow[] = [];
  const seen = new Set<string>();
  const own = listen.map(({ announce }) => announce);
  // Other hosts of this edge are reached in the same ways.
  const others = addresses.filter((address) => !own.includes(address));
  const ways = listen.length > 0 ? listen : (like?.listen ?? []);
  const sockets = [...listen, ...ways.flatMap((one) => others.map((announce) => ({ ...one, announce })))];
  for (const { transport, announce: address, port } of sockets) {
    const row = { edge, region, protocol: transport === "tls" ? "SIP over TLS" : "SIP", address } as const;
    const ports = port === 0 ? { portMin: ANY_MIN, portMax: ANY_MAX } : { portMin: port, portMax: port };
    const key = `${transport} ${address} ${port}`;
    if (seen.has(key)) continue;
    seen.add(key);
    if (transport === "udp") rows.push({ ...row, transport: "udp", ...ports, direction: "in and out" });
    else rows.push({ ...row, transport: "tcp", ...ports, direction: "in" });
  }
  // Connections to targets leave from a port that the system chooses, whatever is listened on.
  for (const address of new Set([...own, ...others]))
    rows.push({
      edge,
      region,
      protocol: "SIP",
      transport: "tcp",
      address,
      portMin: ANY_MIN,
      portMax: ANY_MAX,
      direction: "out",
    });
  return rows;
}

function media({ name: edge, region, media: own }: EdgePlan): NetworkRow[] {
  if (own === undefined) return [];
  const isAny = own.portMin === 0 && own.portMax === 0;
  const common = { edge, region, address: own.announce };
  return [
    {
      ...common,
      protocol: "RTP and RTCP",
      transport: "udp",
      portMin: isAny ? ANY_MIN : own.portMin,
      portMax: isAny ? ANY_MAX : own.portMax,
      direction: "in and out",
    },
    {
      ...common,
      protocol: "Media Streams",
      transport: "tcp",
      portMin: ANY_MIN,
      portMax: ANY_MAX,
      direction: "out",
    },
  ];
}
