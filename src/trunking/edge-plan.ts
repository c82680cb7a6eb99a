/**
 * What the configuration says of each edge (R-EDGE-1): names, sockets, announced addresses, ports. A pure function, so that
 * the gateway, `tandem check`, `tandem network` and `tandem zone` cannot differ. An installation that serves no edge by name
 * is one edge on the addresses of `sip` and `media` (R-EDGE-11).
 */

import type { EdgeConfig, GatewayConfig } from "../base/gateway-config.ts";
import { regionOf } from "./edges.ts";

/** Name of the one edge of an installation that gives it none. */
export const SINGLE_EDGE = "default";

export type EdgeTransport = "udp" | "tcp" | "tls";

/** One socket of SIP. */
export interface EdgeListen {
  readonly transport: EdgeTransport;
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  /** Address in Via and Contact. */
  readonly announce: string;
}

export interface EdgeMedia {
  readonly address: string;
  /** Address in SDP. */
  readonly announce: string;
  /** 0 and 0: any free ports. */
  readonly portMin: number;
  readonly portMax: number;
}

export interface EdgePlan {
  readonly name: string;
  readonly region: string | null;
  readonly tnx: string | null;
  /** Empty for an edge that is elsewhere. */
  readonly listen: readonly EdgeListen[];
  /** Signalling addresses as peers see them, each once; empty when nobody can know them (a wildcard without `announce`). */
  readonly addresses: readonly string[];
  /** Undefined for an edge that is elsewhere. */
  readonly media: EdgeMedia | undefined;
}

/** Every edge of the configuration in its order, those of this process and those that are elsewhere. */
export function planEdges(config: Pick<GatewayConfig, "sip" | "media" | "tls" | "edges">): EdgePlan[] {
  const plans = config.edges.map((edge) => planned(edge, config));
  if (plans.some(({ listen }) => listen.length > 0)) return plans;
  // Who names one edge only means himself.
  const own = config.edges.length === 1 && config.edges[0]!.addresses.length === 0 ? config.edges[0] : undefined;
  return [singleEdge(config, own), ...plans.filter(({ name }) => name !== own?.name)];
}

function singleEdge({ sip, media, tls }: Pick<GatewayConfig, "sip" | "media" | "tls">, own?: EdgeConfig): EdgePlan {
  const announce = sip.announce ?? sip.address;
  const mediaAddress = media.address ?? sip.address;
  return {
    name: own?.name ?? SINGLE_EDGE,
    region: own === undefined ? null : (own.region ?? regionOf(own.name)),
    tnx: own?.tnx ?? null,
    listen: sockets([[sip.address, announce]], sip, tls.certFile !== null),
    addresses: known([announce]),
    media: {
      address: mediaAddress,
      announce: media.announce ?? (media.address === null ? announce : mediaAddress),
      portMin: media.portMin,
      portMax: media.portMax,
    },
  };
}

function planned(edge: EdgeConfig, { sip, media, tls }: Pick<GatewayConfig, "sip" | "media" | "tls">): EdgePlan {
  const { name, tnx, listen } = edge;
  const names = { name, region: edge.region ?? regionOf(name), tnx };
  const first = listen[0];
  if (first === undefined) return { ...names, listen: [], addresses: known(edge.addresses), media: undefined };
  const announced = listen.map((address, index) => edge.announce[index] ?? address);
  const own = (port: number | "off" | null, common: number | null) =>
    port === null ? common : port === "off" ? null : port;
  const ports = {
    udpPort: own(edge.udpPort, sip.udpPort),
    tcpPort: own(edge.tcpPort, sip.tcpPort),
    tlsPort: own(edge.tlsPort, sip.tlsPort),
  };
  const address = edge.media.address ?? first;
  return {
    ...names,
    listen: sockets(
      listen.map((one, index) => [one, announced[index]!] as const),
      ports,
      tls.certFile !== null,
    ),
    addresses: known(edge.addresses.length > 0 ? edge.addresses : announced),
    media: {
      address,
      announce: edge.media.announce ?? announced[listen.indexOf(address)] ?? address,
      portMin: edge.media.portMin ?? media.portMin,
      portMax: edge.media.portMax ?? media.portMax,
    },
  };
}

function sockets(
  addresses: readonly (readonly [address: string, announce: string])[],
  ports: { readonly udpPort: number | null; readonly tcpPort: number | null; readonly tlsPort: number | null },
  hasCertificate: boolean,
): EdgeListen[] {
  const all: [EdgeTransport, number | null][] = [
    ["udp", ports.udpPort],
    ["tcp", ports.tcpPort],
    ["tls", hasCertificate ? ports.tlsPort : null],
  ];
  return addresses.flatMap(([address, announce]) =>
    all.flatMap(([transport, port]) => (port === null ? [] : [{ transport, address, port, announce }])),
  );
}

function known(addresses: readonly string[]): string[] {
  return [...new Set(addresses)].filter((address) => !isWildcard(address));
}

function isWildcard(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

export interface EdgeProblem {
  /** Place in the list. */
  readonly index: number;
  readonly key: keyof EdgeConfig;
  readonly text: string;
}

/** What is wrong with the edges among themselves. */
export function edgeProblems(config: Pick<GatewayConfig, "sip" | "media" | "tls" | "edges">): EdgeProblem[] {
  const { sip, media, edges } = config;
  const problems: EdgeProblem[] = [];
  const names = new Set<string>();
  /** Address → edge: each address tells whose packet it is (R-EDGE-7). */
  const owners = new Map<string, string>();
  for (const [index, edge] of edges.entries()) {
    const add = (key: keyof EdgeConfig, text: string): void => {
      problems.push({ index, key, text });
    };
    for (const key of ["name", "region", "tnx"] as const) {
      const name = edge[key]?.toLowerCase();
      if (name === undefined) continue;
      const known = key === "tnx" ? `tnx ${name}` : name;
      if (names.has(known)) add(key, "the name is used twice");
      names.add(known);
    }
    const plan = planned(edge, config);
    if (plan.media === undefined) {
      if (edge.announce.length > 0) add("announce", "this edge is not served here: give it listen, or leave this out");
      if (edge.media.address !== null) add("media", "this edge is not served here: give it listen, or leave this out");
      continue;
    }
    if (edge.announce.length > 0 && edge.announce.length !== edge.listen.length)
      add("announce", "expected as many addresses as listen has, in the same order");
    if (plan.listen.length === 0)
      add("listen", "no transport is left: give udpPort, tcpPort, or tlsPort with tls.certFile");
    const isMedia = (address: string): boolean => !edge.listen.includes(address);
    for (const address of new Set([...edge.listen, plan.media.address])) {
      const key = isMedia(address) ? "media" : "listen";
      const owner = owners.get(address);
      if (isWildcard(address)) add(key, "an edge is known by its addresses, so it cannot use all of the machine");
      else if (owner !== undefined) add(key, `${address} belongs to edge ${owner} already`);
      owners.set(address, edge.name);
    }
    const { portMin, portMax } = plan.media;
    if (!(portMin === 0 && portMax === 0) && (portMin < 1024 || portMax - portMin < 3))
      add("media", "expected ports from 1024 up, at least 3 apart, or 0 for both ends");
  }
  const served = edges.findIndex(({ listen }) => listen.length > 0);
  if (served >= 0 && (sip.announce !== null || media.address !== null || media.announce !== null))
    problems.push({
      index: served,
      key: "listen",
      text: "where edges listen, sip.announce, media.address and media.announce mean nothing: say it at each edge",
    });
  return problems;
}
