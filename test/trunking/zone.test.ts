/**
 * R-EDGE-4: the zone that is printed, served by a name server and asked by our own DNS client as a peer would ask it; R-EDGE-3: the
 * names of one domain.
 */
import type { Answer } from "dns-packet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseConfig } from "../../src/cli/config.ts";
import { Locator } from "../../src/sip/transport/locate.ts";
import { SystemResolver } from "../../src/sip/transport/system-resolver.ts";
import { parseUri } from "../../src/sip/uri.ts";
import { planEdges } from "../../src/trunking/edge-plan.ts";
import { localizedUris } from "../../src/trunking/localized-uris.ts";
import { TTL_SECONDS, zone } from "../../src/trunking/zone.ts";
import { DnsServer } from "../support/dns-server.ts";
import { ManualClock } from "../support/manual-clock.ts";

const BASE = "voice.example.net";
const CONFIG = `
sip: { tcpPort: off }
edges:
  - { name: tokyo, listen: [10.0.0.21, 10.0.0.22, 10.0.0.23], announce: [203.0.113.21, 203.0.113.22, 203.0.113.23] }
  - { name: dublin, listen: [10.0.0.31], announce: [203.0.113.31], udpPort: 5070, tcpPort: 5080 }
  - { name: tokyo-ix, listen: [192.168.7.1] }
`;
const plans = (text = CONFIG) => planEdges(parseConfig(text, "t.yaml", {}).settings);

/** Records by `TYPE name`; wildcards as RFC 4592 has them. */
class ZoneData {
  readonly records = new Map<string, Answer[]>();

  constructor(lines: readonly string[]) {
    for (const line of lines) {
      if (line === "" || line.startsWith(";") || line.startsWith("$")) continue;
      const [name, ttl, , type, ...data] = line.match(/"[^"]*"|\S+/g) as [string, string, string, string, ...string[]];
      const full = `${name}.${BASE}`;
      const answer = { type, name: full, ttl: Number(ttl), data: dataOf(type, data) } as Answer;
      const key = `${type} ${full}`;
      this.records.set(key, [...(this.records.get(key) ?? []), answer]);
    }
  }

  find(type: string, name: string): Answer[] | undefined {
    if (this.#exists(name)) return this.records.get(`${type} ${name}`) ?? [];
    for (let rest = name; rest.includes("."); ) {
      rest = rest.slice(rest.indexOf(".") + 1);
      const wild = this.records.get(`${type} *.${rest}`);
      if (this.#exists(`*.${rest}`)) return (wild ?? []).map((one) => ({ ...one, name }));
      if (this.#exists(rest)) return undefined;
    }
    return undefined;
  }

  /** A name with records, or one above such a name. */
  #exists(name: string): boolean {
    for (const key of this.records.keys()) {
      const owner = key.slice(key.indexOf(" ") + 1);
      if (owner === name || owner.endsWith(`.${name}`)) return true;
    }
    return false;
  }
}

function dataOf(type: string, data: string[]): unknown {
  const plain = data.map((text) => text.replaceAll('"', ""));
  const absolute = (name: string) => `${name}.${BASE}`;
  if (type === "SRV") {
    const [priority, weight, port, target] = plain as [string, string, string, string];
    return { priority: Number(priority), weight: Number(weight), port: Number(port), target: absolute(target) };
  }
  if (type === "NAPTR") {
    const [order, preference, flags, services, regexp, replacement] = plain as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    return {
      order: Number(order),
      preference: Number(preference),
      flags,
      services,
      regexp,
      replacement: absolute(replacement),
    };
  }
  return plain[0];
}

let server: DnsServer;
let data: ZoneData;
let lines: readonly string[];

beforeAll(async () => {
  const printed = zone(BASE, plans(), [
    { kind: "pstn", label: "office" },
    { kind: "sip", label: "carrier" },
  ]);
  expect(printed.problems).toEqual([]);
  lines = printed.lines;
  data = new ZoneData(lines);
  server = await DnsServer.start();
  server.replies.get = (key) => {
    const space = key.indexOf(" ");
    return data.find(key.slice(0, space), key.slice(space + 1)) ?? "NXDOMAIN";
  };
});
afterAll(() => server.stop());

async function located(uri: string, naptr = true): Promise<string[]> {
  const clock = new ManualClock();
  const resolver = new SystemResolver({ clock, servers: [server.address], hostsFile: "/nonexistent" });
  const locator = new Locator({ resolver, clock, random: () => 0, naptr });
  const found = await locator.locate(parseUri(uri));
  return found.map(({ transport, address, port }) => `${transport} ${address}:${port}`).sort();
}

describe("R-EDGE-4: the zone", () => {
  it("has every address with a TTL of 600 s, and nothing else", () => {
    const records = [...data.records.values()].flat() as { ttl?: number }[];
    expect(new Set(records.map(({ ttl }) => ttl))).toEqual(new Set([TTL_SECONDS]));
    expect(TTL_SECONDS).toBe(600);
    const tokyo = ["203.0.113.21", "203.0.113.22", "203.0.113.23"];
    for (const name of ["tokyo", "jp1", "office.pstn.tokyo", "office.pstn.jp1", "carrier.sip.jp1"])
      expect(data.records.get(`A ${name}.${BASE}`)?.map((one) => (one as { data: string }).data)).toEqual(tokyo);
    expect(lines.join("\n")).not.toContain("10.0.0.");
  });

  it.each([
    ["office.pstn.tokyo", ["udp 203.0.113.21:5060", "udp 203.0.113.22:5060", "udp 203.0.113.23:5060"]],
    ["office.pstn.jp1", ["udp 203.0.113.21:5060", "udp 203.0.113.22:5060", "udp 203.0.113.23:5060"]],
    ["carrier.sip.dublin", ["udp 203.0.113.31:5070", "tcp 203.0.113.31:5080"]],
    ["office.pstn.tokyo-ix", ["udp 192.168.7.1:5060"]],
    ["office.pstn.jp1-ix", ["udp 192.168.7.1:5060"]],
    // Not in the file: wildcards lead there.
    ["made.by.rest.pstn.tokyo", ["udp 203.0.113.21:5060", "udp 203.0.113.22:5060", "udp 203.0.113.23:5060"]],
    ["other.sip.ie1", ["udp 203.0.113.31:5070", "tcp 203.0.113.31:5080"]],
  ])("leads a peer from %s by NAPTR and SRV to the edge's ports", async (name, expected) => {
    const found = await located(`sip:+1555@${name}.${BASE}`);
    // One transport is chosen first (RFC 3263 §4.1); all that is found is of the edge.
    expect(found.length).toBeGreaterThan(0);
    for (const one of found) expect(expected).toContain(one);
  });

  it.each([
    ["udp", "office.pstn.dublin", ["udp 203.0.113.31:5070"]],
    ["tcp", "office.pstn.dublin", ["tcp 203.0.113.31:5080"]],
    ["udp", "carrier.sip.ie1", ["udp 203.0.113.31:5070"]],
  ])("has SRV records of %s for %s, for peers without NAPTR", async (transport, name, expected) => {
    expect(await located(`sip:+1555@${name}.${BASE};transport=${transport}`, false)).toEqual(expected);
  });

  it("leads the plain names to all edges but private ones", async () => {
    const found = await located(`sip:+1555@office.pstn.${BASE}`);
    const tokyo = [21, 22, 23].map((last) => `udp 203.0.113.${last}:5060`);
    expect(found).toEqual([...tokyo, "udp 203.0.113.31:5070"]);
  });

  it("R-EDGE-11: a host of one edge has all names of the table; without an address to give it says what to set", () => {
    const one = zone(BASE, plans("sip: { announce: 203.0.113.5 }"), []);
    for (const name of ["ashburn", "us1", "sydney", "au1"])
      expect(one.lines.some((line) => line.startsWith(`*.pstn.${name} `) && line.endsWith(" 203.0.113.5"))).toBe(true);
    expect(zone(BASE, plans(""), []).problems[0]).toMatch(/sip\.announce/);
  });
});

describe("R-EDGE-3: localized URIs", () => {
  it("are the plain name, and each edge by both of its names, with addresses", () => {
    const rows = localizedUris("office", "pstn", BASE, plans());
    expect(rows.map(({ host, addresses }) => `${host.replace(`.${BASE}`, "")} ${addresses.length}`)).toEqual([
      "office.pstn 4",
      "office.pstn.tokyo 3",
      "office.pstn.jp1 3",
      "office.pstn.dublin 1",
      "office.pstn.ie1 1",
      "office.pstn.tokyo-ix 1",
      "office.pstn.jp1-ix 1",
    ]);
  });

  it("R-EDGE-11: are those of all eight edges on one host", () => {
    const rows = localizedUris("office", "sip", BASE, plans("sip: { announce: 203.0.113.5 }"));
    expect(rows).toHaveLength(17);
    expect(new Set(rows.map(({ edge }) => edge)).size).toBe(9);
    for (const { addresses } of rows) expect(addresses).toEqual(["203.0.113.5"]);
  });
});
