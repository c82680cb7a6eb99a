/** From a URI to addresses (RFC 3263, RFC 2782, SIP-DNS), with a resolver that says what a test wants. */
import { beforeEach, describe, expect, it } from "vitest";
import { Locator, orderSrv } from "../../../src/sip/transport/locate.ts";
import type { AddressRecord, NaptrRecord, SrvRecord } from "../../../src/sip/transport/resolver.ts";
import { parseUri } from "../../../src/sip/uri.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const clock = new ManualClock();
const srvs = new Map<string, readonly SrvRecord[] | Error | "silent">();
const hosts = new Map<string, readonly (string | AddressRecord)[] | Error | "silent">();
const naptrs = new Map<string, readonly NaptrRecord[]>();
let asked: string[] = [];

async function from<T>(records: Map<string, readonly T[] | Error | "silent">, name: string): Promise<readonly T[]> {
  const found = records.get(name) ?? [];
  if (found === "silent") return new Promise(() => undefined);
  if (found instanceof Error) throw found;
  return found;
}

const resolver = {
  srv: (name: string) => {
    asked.push(`SRV ${name}`);
    return from(srvs, name);
  },
  addresses: (name: string) => {
    asked.push(`A ${name}`);
    return from(hosts, name);
  },
  naptr: async (name: string) => {
    asked.push(`NAPTR ${name}`);
    return naptrs.get(name) ?? [];
  },
};

let locator: Locator;
beforeEach(() => {
  srvs.clear();
  hosts.clear();
  naptrs.clear();
  asked = [];
  locator = new Locator({ resolver, clock, random: () => 0.5 });
});

const record = (name: string, port = 5060, priority = 1, weight = 1): SrvRecord => ({ name, port, priority, weight });

async function located(uri: string, by = locator): Promise<string[]> {
  return (await by.locate(parseUri(uri))).map(({ transport, address, port }) => `${transport} ${address} ${port}`);
}

describe("RFC 3263 4.1, 4.2 transport and port, with the trunk rule of SIP-DNS-2", () => {
  it.each([
    ["sip:192.0.2.1", "udp 192.0.2.1 5060"],
    ["sip:192.0.2.1:5080", "udp 192.0.2.1 5080"],
    ["sip:192.0.2.1;transport=TCP", "tcp 192.0.2.1 5060"],
    ["sip:192.0.2.1;transport=tls", "tls 192.0.2.1 5061"],
    ["sips:192.0.2.1", "tls 192.0.2.1 5061"],
    ["sips:192.0.2.1:5099;transport=tcp", "tls 192.0.2.1 5099"],
    ["sip:[2001:db8::1]", "udp 2001:db8::1 5060"],
    ["sip:[2001:db8::1]:5070;transport=tcp", "tcp 2001:db8::1 5070"],
  ])("%s → %s without asking DNS", async (uri, wanted) => {
    expect(await located(uri)).toEqual([wanted]);
    expect(asked).toEqual([]);
  });

  it.each([
    ["sip:pbx.example.net", ["SRV _sip._udp.pbx.example.net", "A pbx.example.net"], "udp 192.0.2.7 5060"],
    ["sip:pbx.example.net;transport=tcp", ["SRV _sip._tcp.pbx.example.net", "A pbx.example.net"], "tcp 192.0.2.7 5060"],
    ["sips:pbx.example.net", ["SRV _sips._tcp.pbx.example.net", "A pbx.example.net"], "tls 192.0.2.7 5061"],
    ["sip:pbx.example.net:5090", ["A pbx.example.net"], "udp 192.0.2.7 5090"],
    ["sip:pbx.example.net:5090;transport=tls", ["A pbx.example.net"], "tls 192.0.2.7 5090"],
  ])("%s asks %j and finds %s", async (uri, questions, wanted) => {
    hosts.set("pbx.example.net", ["192.0.2.7"]);
    expect(await located(uri)).toEqual([wanted]);
    expect(asked).toEqual(questions);
  });

  it("SIP-DNS-4 all addresses of all targets, by priority; IPv6 too", async () => {
    srvs.set("_sip._udp.example.net", [record("b.example.net", 5062, 2), record("a.example.net", 5061, 1)]);
    hosts.set("a.example.net", ["192.0.2.1", "2001:db8::1"]);
    hosts.set("b.example.net", ["192.0.2.2"]);
    expect(await located("sip:example.net")).toEqual([
      "udp 192.0.2.1 5061",
      "udp 2001:db8::1 5061",
      "udp 192.0.2.2 5062",
    ]);
  });

  it("SIP-DNS-4 the target . means that there is no such service", async () => {
    srvs.set("_sip._udp.example.net", [record("", 0)]);
    hosts.set("example.net", ["192.0.2.1"]);
    await expect(located("sip:example.net")).rejects.toMatchObject({ code: "TRANSPORT_DNS" });
  });

  it("one target without an address does not hide the others", async () => {
    srvs.set("_sip._udp.example.net", [record("gone.example.net", 5060, 1), record("there.example.net", 5060, 2)]);
    hosts.set("gone.example.net", new Error("ENOTFOUND"));
    hosts.set("there.example.net", ["192.0.2.2"]);
    expect(await located("sip:example.net")).toEqual(["udp 192.0.2.2 5060"]);
  });
});

describe("RFC 3263 4.1 NAPTR, by setting", () => {
  const naptr = (
    order: number,
    preference: number,
    service: string,
    replacement: string,
    flags = "s",
  ): NaptrRecord => ({
    order,
    preference,
    flags,
    service,
    replacement,
  });

  beforeEach(() => {
    locator = new Locator({ resolver, clock, random: () => 0.5, naptr: true });
    naptrs.set("example.net", [
      naptr(50, 60, "SIP+D2U", "_sip._udp.example.net"),
      naptr(50, 50, "SIP+D2T", "_sip._tcp.example.net"),
      naptr(10, 10, "E2U+sip", "enum.example.net"),
      naptr(20, 10, "SIPS+D2T", "_sips._tcp.example.net", "a"),
    ]);
    hosts.set("host.example.net", ["192.0.2.1"]);
  });

  it("the first service that we speak and that has records decides transport and port", async () => {
    srvs.set("_sip._tcp.example.net", [record("host.example.net", 5070)]);
    expect(await located("sip:example.net")).toEqual(["tcp 192.0.2.1 5070"]);
    expect(asked).toEqual(["NAPTR example.net", "SRV _sip._tcp.example.net", "A host.example.net"]);
  });

  it("without records there the next one is asked", async () => {
    srvs.set("_sip._udp.example.net", [record("host.example.net", 5071)]);
    expect(await located("sip:example.net")).toEqual(["udp 192.0.2.1 5071"]);
  });

  it("a sips URI takes no service without TLS", async () => {
    srvs.set("_sip._tcp.example.net", [record("host.example.net", 5070)]);
    hosts.set("example.net", ["192.0.2.9"]);
    expect(await located("sips:example.net")).toEqual(["tls 192.0.2.9 5061"]);
  });

  it.each(["sip:example.net;transport=udp", "sip:example.net:5060", "sip:192.0.2.1"])(
    "%s does not ask",
    async (uri) => {
      hosts.set("example.net", ["192.0.2.9"]);
      await located(uri);
      expect(asked.some((one) => one.startsWith("NAPTR"))).toBe(false);
    },
  );
});

describe("RFC 2782 weights", () => {
  it("a lower priority always comes first; within one, in proportion to weight, 0 now and then", () => {
    const random = seededRandom(2782);
    const records = [record("w0", 1, 1, 0), record("w10", 1, 1, 10), record("w30", 1, 1, 30), record("last", 1, 2, 99)];
    const first = new Map<string, number>();
    for (let round = 0; round < 4000; round++) {
      const ordered = orderSrv(records, random);
      expect(ordered).toHaveLength(4);
      expect(ordered[3]?.name).toBe("last");
      first.set(ordered[0]!.name, (first.get(ordered[0]!.name) ?? 0) + 1);
    }
    const ratio = first.get("w30")! / first.get("w10")!;
    expect(ratio).toBeGreaterThan(2.6);
    expect(ratio).toBeLessThan(3.4);
    expect(first.get("w0") ?? 0).toBeLessThan(40);
    expect(orderSrv(records, () => 0)[0]?.name).toBe("w0");
  });
});

describe("SIP-DNS-7 DNS that is slow, down or lying", () => {
  it("service records that never come hide the host's address for 1 s, not for ever", async () => {
    srvs.set("_sip._udp.example.net", "silent");
    hosts.set("example.net", ["192.0.2.1"]);
    const waiting = located("sip:example.net");
    await Promise.resolve();
    clock.advance(1000);
    expect(await waiting).toEqual(["udp 192.0.2.1 5060"]);
  });

  it("all of it takes 2 s at most", async () => {
    hosts.set("example.net", "silent");
    const waiting = located("sip:example.net:5060");
    const refused = expect(waiting).rejects.toMatchObject({ code: "TRANSPORT_DNS" });
    clock.advance(2000);
    await refused;
    expect(clock.pendingTimers).toBe(0);
  });

  it("a name that is not there is not asked again for 5 s", async () => {
    await expect(located("sip:nobody.example.net:5060")).rejects.toMatchObject({ code: "TRANSPORT_DNS" });
    await expect(located("sip:nobody.example.net:5060")).rejects.toMatchObject({ code: "TRANSPORT_DNS" });
    expect(asked).toEqual(["A nobody.example.net"]);
    clock.advance(5000);
    hosts.set("nobody.example.net", ["192.0.2.1"]);
    expect(await located("sip:nobody.example.net:5060")).toEqual(["udp 192.0.2.1 5060"]);
  });

  it.each([
    [30, undefined],
    [77, 77],
    [1, 0],
    [3600, 1_000_000],
  ])("SIP-DNS-7 an answer is kept for %i s when its TTL is %s", async (seconds, ttlSeconds) => {
    hosts.set("example.net", [{ address: "192.0.2.1", ...(ttlSeconds === undefined ? {} : { ttlSeconds }) }]);
    await located("sip:example.net:5060");
    clock.advance(seconds * 1000 - 1);
    await located("sip:example.net:5060");
    expect(asked).toHaveLength(1);
    clock.advance(1);
    await located("sip:example.net:5060");
    expect(asked).toHaveLength(2);
  });

  it("SIP-DNS-7 the shortest TTL of service and address records counts", async () => {
    srvs.set("_sip._udp.example.net", [{ ...record("a.example.net"), ttlSeconds: 300 }]);
    hosts.set("a.example.net", [
      { address: "192.0.2.1", ttlSeconds: 600 },
      { address: "192.0.2.2", ttlSeconds: 60 },
    ]);
    await located("sip:example.net");
    clock.advance(59_999);
    await located("sip:example.net");
    expect(asked).toHaveLength(2);
    clock.advance(1);
    await located("sip:example.net");
    expect(asked).toHaveLength(4);
  });

  it("SIP-DNS-7 a name that is gone is gone; one that nobody answers for is used on, with its service records", async () => {
    srvs.set("_sip._udp.example.net", [record("a.example.net", 5070)]);
    hosts.set("a.example.net", ["192.0.2.1"]);
    await located("sip:example.net");
    clock.advance(30_000);
    // The address of the name itself is no stand-in for the service records that were there.
    srvs.set("_sip._udp.example.net", new Error("no answer"));
    hosts.set("example.net", ["192.0.2.99"]);
    expect(await located("sip:example.net")).toEqual(["udp 192.0.2.1 5070"]);
    clock.advance(5000);
    srvs.set("_sip._udp.example.net", [record("a.example.net", 5070)]);
    hosts.set("a.example.net", []);
    await expect(located("sip:example.net")).rejects.toMatchObject({ code: "TRANSPORT_DNS" });
  });

  it("an answer is kept for 30 s, and longer while DNS is down", async () => {
    hosts.set("example.net", ["192.0.2.1"]);
    await located("sip:example.net:5060");
    clock.advance(29_999);
    await located("sip:example.net:5060");
    expect(asked).toHaveLength(1);
    clock.advance(1);
    hosts.set("example.net", new Error("SERVFAIL"));
    expect(await located("sip:example.net:5060")).toEqual(["udp 192.0.2.1 5060"]);
    expect(asked).toHaveLength(2);
    // While it is down it is asked every 5 s only.
    await located("sip:example.net:5060");
    expect(asked).toHaveLength(2);
  });

  it("a hundred calls to one name ask once", async () => {
    hosts.set("example.net", ["192.0.2.1"]);
    await Promise.all(Array.from({ length: 100 }, () => located("sip:example.net")));
    expect(asked).toEqual(["SRV _sip._udp.example.net", "A example.net"]);
  });

  it("answers without end are cut: 16 targets, 16 addresses each, 32 in all", async () => {
    const many = Array.from({ length: 1000 }, (_, at) => record(`host${at}.example.net`));
    srvs.set("_sip._udp.example.net", many);
    for (const { name } of many)
      hosts.set(
        name,
        Array.from({ length: 1000 }, (_, at) => `198.51.100.${at % 256}`),
      );
    expect(await located("sip:example.net")).toHaveLength(32);
    expect(asked.length).toBeLessThanOrEqual(17);
  });

  it("what is no address or no port is left out", async () => {
    srvs.set("_sip._udp.example.net", [
      record("a.example.net", 0),
      record("b.example.net", 70_000),
      record("c.example.net"),
    ]);
    hosts.set("c.example.net", ["not-an-address", "192.0.2.3"]);
    expect(await located("sip:example.net")).toEqual(["udp 192.0.2.3 5060"]);
  });

  it("SIP-DNS-8 an address that failed is the last one for 30 s", async () => {
    hosts.set("example.net", ["192.0.2.1", "192.0.2.2"]);
    const [first] = await locator.locate(parseUri("sip:example.net:5060"));
    locator.failed(first!);
    expect(await located("sip:example.net:5060")).toEqual(["udp 192.0.2.2 5060", "udp 192.0.2.1 5060"]);
    clock.advance(30_000);
    expect(await located("sip:example.net:5060")).toEqual(["udp 192.0.2.1 5060", "udp 192.0.2.2 5060"]);
  });

  it("SIP-OVL-3 an address that asked for a time gets it, up to 60 s", async () => {
    for (const [asked, kept] of [
      [7, 7],
      [600, 60],
    ] as const) {
      hosts.set("example.net", ["192.0.2.1", "192.0.2.2"]);
      const [first] = await locator.locate(parseUri("sip:example.net:5060"));
      locator.failed(first!, asked * 1000);
      clock.advance(kept * 1000 - 1);
      expect(await located("sip:example.net:5060")).toEqual(["udp 192.0.2.2 5060", "udp 192.0.2.1 5060"]);
      clock.advance(1);
      expect(await located("sip:example.net:5060")).toEqual(["udp 192.0.2.1 5060", "udp 192.0.2.2 5060"]);
    }
  });
});
