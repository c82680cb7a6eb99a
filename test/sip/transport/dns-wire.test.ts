/** Names on the wire (RFC 1035, RFC 2782, RFC 3263): a name server and SIP peers on sockets, a clock that is moved by hand. */
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SystemClock } from "../../../src/base/clock.ts";
import { nameAddr } from "../../../src/sip/name-addr.ts";
import { DnsClient, DnsUnavailableError } from "../../../src/sip/transport/dns-client.ts";
import { SystemResolver } from "../../../src/sip/transport/system-resolver.ts";
import { parseUri } from "../../../src/sip/uri.ts";
import { a, DnsServer, srv } from "../../support/dns-server.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ScriptedAgent } from "../../support/sip-scripts.ts";
import { reached, startStack, type TestStack, UdpPeer } from "../../support/sip-wire.ts";

let server: DnsServer;
beforeEach(async () => {
  server = await DnsServer.start();
});
afterEach(() => server.stop());

describe("SystemResolver", () => {
  const clock = new ManualClock();
  const resolver = (servers = [server.address], hostsFile = "/nonexistent") =>
    new SystemResolver({ clock, servers, hostsFile });

  it("RFC 2782 service records with priority, weight, port, target and TTL", async () => {
    server.replies.set("SRV _sip._udp.example.test", [
      srv("_sip._udp.example.test", "one.example.test", 5070, 10, 60, 300),
      srv("_sip._udp.example.test", "two.example.test", 5080, 20, 0, 7),
    ]);
    expect(await resolver().srv("_sip._udp.example.test")).toEqual([
      { name: "one.example.test", port: 5070, priority: 10, weight: 60, ttlSeconds: 300 },
      { name: "two.example.test", port: 5080, priority: 20, weight: 0, ttlSeconds: 7 },
    ]);
  });

  it("RFC 2782 the target . is told as it is", async () => {
    server.replies.set("SRV _sip._udp.example.test", [srv("_sip._udp.example.test", ".", 0)]);
    expect(await resolver().srv("_sip._udp.example.test")).toMatchObject([{ name: ".", port: 0 }]);
  });

  it("both families, IPv4 first; the shortest TTL on the way counts, that of an alias too", async () => {
    server.replies.set("A pbx.example.test", [
      { type: "CNAME", name: "pbx.example.test", ttl: 5, data: "host.example.test" },
      a("host.example.test", "192.0.2.1", 300),
    ]);
    server.replies.set("AAAA pbx.example.test", [
      { type: "AAAA", name: "pbx.example.test", ttl: 90, data: "2001:db8::1" },
    ]);
    expect(await resolver().addresses("pbx.example.test")).toEqual([
      { address: "192.0.2.1", ttlSeconds: 5 },
      { address: "2001:db8::1", ttlSeconds: 5 },
    ]);
  });

  it("RFC 3403 NAPTR", async () => {
    const data = {
      order: 10,
      preference: 20,
      flags: "s",
      services: "SIP+D2T",
      regexp: "",
      replacement: "_sip._tcp.example.test",
    };
    server.replies.set("NAPTR example.test", [{ type: "NAPTR", name: "example.test", ttl: 60, data }]);
    expect(await resolver().naptr("example.test")).toEqual([
      {
        order: 10,
        preference: 20,
        flags: "s",
        service: "SIP+D2T",
        replacement: "_sip._tcp.example.test",
        ttlSeconds: 60,
      },
    ]);
  });

  it("no such name is an answer; trouble of the server is none", async () => {
    expect(await resolver().srv("_sip._udp.nobody.test")).toEqual([]);
    server.replies.set("SRV _sip._udp.example.test", "SERVFAIL");
    await expect(resolver().srv("_sip._udp.example.test")).rejects.toThrow("SRV _sip._udp.example.test");
  });

  it("RFC 1035 4.2.2 what is cut off is asked for over TCP", async () => {
    server.replies.set("SRV _sip._udp.example.test", {
      overTcp: Array.from({ length: 40 }, (_, at) =>
        srv("_sip._udp.example.test", `host${at}.example.test`, 5060 + at),
      ),
    });
    expect(await resolver().srv("_sip._udp.example.test")).toHaveLength(40);
    expect(server.asked).toEqual(["SRV _sip._udp.example.test", "tcp SRV _sip._udp.example.test"]);
  });

  it("RFC 5452 an answer with another id or to another question is not taken", async () => {
    server.replies.set("SRV _sip._udp.example.test", {
      forged: [srv("_sip._udp.example.test", "evil.test", 1)],
      real: [srv("_sip._udp.example.test", "good.test", 2)],
    });
    expect(await resolver().srv("_sip._udp.example.test")).toMatchObject([{ name: "good.test" }]);
  });

  it("a server that is silent is left for the next after 400 ms, and one that is not there at once", async () => {
    const silent = await DnsServer.start();
    const { address } = silent;
    silent.replies.set("SRV _sip._udp.example.test", "silent");
    server.replies.set("SRV _sip._udp.example.test", [srv("_sip._udp.example.test", "good.test", 5060)]);
    const asked = resolver([silent.address, server.address]).srv("_sip._udp.example.test");
    await reached(() => silent.asked.length === 1, "the question");
    clock.advance(399);
    expect(server.asked).toHaveLength(0);
    clock.advance(1);
    expect(await asked).toHaveLength(1);
    await silent.stop();
    expect(await resolver([address, server.address]).srv("_sip._udp.example.test")).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
  });

  it("octets that are no packet are no answer", async () => {
    server.replies.set("SRV _sip._udp.example.test", { raw: Buffer.from("c0ffee", "hex") });
    const asked = resolver().srv("_sip._udp.example.test");
    const failed = expect(asked).rejects.toThrow("no name server");
    for (let round = 1; round <= 2; round++) {
      await reached(() => server.asked.length === round, "the question");
      clock.advance(400);
    }
    await failed;
  });

  it("the hosts file comes first, and its changes are seen", async () => {
    const file = join(tmpdir(), `tandem-hosts-${process.pid}`);
    writeFileSync(file, "# names\n192.0.2.9\tpbx.example.test PBX # inside\n::9 pbx.example.test\nnonsense here\n");
    server.replies.set("A pbx.example.test", [a("pbx.example.test", "198.51.100.1")]);
    const one = resolver(undefined, file);
    expect(await one.addresses("PBX.example.test")).toEqual(["192.0.2.9", "::9"]);
    expect(server.asked).toEqual([]);
    writeFileSync(file, "");
    clock.advance(5000);
    expect(await one.addresses("pbx.example.test")).toMatchObject([{ address: "198.51.100.1" }]);
    rmSync(file);
  });

  it("name servers that are given have the last word: the system, which knows localhost, is not asked", async () => {
    const asked = await resolver().addresses("localhost");
    expect(asked).toEqual([]);
    expect(server.asked).toEqual(["A localhost", "AAAA localhost"]);
  });

  it("an address as a name stands for itself", async () => {
    expect(await resolver().addresses("192.0.2.1")).toEqual(["192.0.2.1"]);
    expect(server.asked).toEqual([]);
  });
});

describe("calls to a name", () => {
  const SERVICE = "_sip._udp.carrier.test";
  let test: TestStack;
  const agents: ScriptedAgent[] = [];
  const outcomes: string[] = [];

  /** Three peers behind one name: priority 10 twice, priority 20 once. */
  beforeEach(async () => {
    test = await startStack({ dnsServers: [server.address], resolver: undefined as never });
    for (let number = 0; number < 3; number++) agents.push(new ScriptedAgent(await UdpPeer.open(), test.port("udp")));
    server.replies.set(`SRV ${SERVICE}`, [
      srv(SERVICE, "c.carrier.test", agents[2]!.peer.port, 20, 0, 60),
      srv(SERVICE, "a.carrier.test", agents[0]!.peer.port, 10, 100, 60),
      srv(SERVICE, "b.carrier.test", agents[1]!.peer.port, 10, 1, 60),
    ]);
    for (const name of ["a", "b", "c"])
      server.replies.set(`A ${name}.carrier.test`, [a(`${name}.carrier.test`, "127.0.0.1", 60)]);
  });
  afterEach(async () => {
    await test.stop();
    for (const { peer } of agents.splice(0)) await peer.close();
    outcomes.length = 0;
  });

  function call(): void {
    const uri = parseUri("sip:callee@carrier.test");
    const invite = test.stack.invite({ uri, from: nameAddr(parseUri("sip:a@127.0.0.1")), to: nameAddr(uri) });
    invite.onRejected = ({ status }) => outcomes.push(String(status));
    invite.onFailed = ({ code }) => outcomes.push(code);
  }

  it("SIP-DNS-4, SIP-DNS-5 priority, then weight; silence for P1, a closed port and 503 go on to the next address", async () => {
    call();
    const first = await agents[0]!.peer.nextRequest("INVITE");
    test.clock.advance(4000);
    const second = await agents[1]!.peer.nextRequest("INVITE");
    expect([second.callId, second.from, second.cseq]).toEqual([first.callId, first.from, first.cseq]);
    expect(second.vias[0]?.params.get("branch")).not.toBe(first.vias[0]?.params.get("branch"));
    await agents[1]!.answer(second, 503);
    // SIP-DNS-6: the ACK goes where its INVITE went.
    await agents[1]!.peer.nextRequest("ACK");
    const third = await agents[2]!.peer.nextRequest("INVITE");
    await agents[2]!.answer(third, 404);
    await agents[2]!.peer.nextRequest("ACK");
    await reached(() => outcomes.length === 1, "the end");
    expect(outcomes).toEqual(["404"]);
  });

  it("SIP-DNS-8, SIP-OVL-3 those that failed come last: 30 s, or as long as their Retry-After says", async () => {
    call();
    await agents[0]!.answer(await agents[0]!.peer.nextRequest("INVITE"), 503);
    await agents[0]!.peer.nextRequest("ACK");
    await agents[1]!.answer(await agents[1]!.peer.nextRequest("INVITE"), 503, { headers: [["Retry-After", "50"]] });
    await agents[1]!.peer.nextRequest("ACK");
    await agents[2]!.answer(await agents[2]!.peer.nextRequest("INVITE"), 486);
    await agents[2]!.peer.nextRequest("ACK");
    call();
    await agents[2]!.answer(await agents[2]!.peer.nextRequest("INVITE"), 486);
    await agents[2]!.peer.nextRequest("ACK");
    // The first is back after 30 s, the second is not.
    test.clock.advance(30_000);
    call();
    const next = await agents[0]!.peer.nextRequest("INVITE");
    await agents[0]!.answer(next, 503, { headers: [["Retry-After", "1"]] });
    await agents[0]!.peer.nextRequest("ACK");
    await agents[2]!.peer.nextRequest("INVITE");
    expect(agents[1]!.peer.waiting).toBe(0);
  });

  it("SIP-DNS-7 asked again after its TTL; while nobody answers the old addresses are used, and it takes 2 s at most", async () => {
    call();
    await agents[0]!.answer(await agents[0]!.peer.nextRequest("INVITE"), 486);
    await agents[0]!.peer.nextRequest("ACK");
    const before = server.asked.length;
    test.clock.advance(59_000);
    call();
    await agents[0]!.answer(await agents[0]!.peer.nextRequest("INVITE"), 486);
    await agents[0]!.peer.nextRequest("ACK");
    expect(server.asked).toHaveLength(before);
    test.clock.advance(1000);
    server.replies.set(`SRV ${SERVICE}`, "silent");
    call();
    await reached(() => server.asked.length === before + 1, "the question");
    test.clock.advance(400);
    await reached(() => server.asked.length === before + 2, "the question again");
    test.clock.advance(400);
    await agents[0]!.peer.nextRequest("INVITE");
  });

  it("SIP-DNS-7 a name that is not there fails the call, and is not asked for again for 5 s", async () => {
    server.replies.set(`SRV ${SERVICE}`, "NXDOMAIN");
    call();
    await reached(() => outcomes.length === 1, "the failure");
    const before = server.asked.length;
    call();
    await reached(() => outcomes.length === 2, "the failure");
    expect(outcomes).toEqual(["TRANSPORT_DNS", "TRANSPORT_DNS"]);
    expect(server.asked).toHaveLength(before);
    test.clock.advance(5000);
    server.replies.set("A carrier.test", [a("carrier.test", "127.0.0.1")]);
    call();
    await reached(() => server.asked.length > before, "the question");
  });
});

describe("R1 a name server or a name that cannot be used is told to whoever asked, and to nobody else", () => {
  const ask = (address: string, name: string) =>
    new DnsClient({ clock: new SystemClock(), servers: () => [{ address, port: 53 }] }).srv(name);

  it("a server to which there is no way", async () => {
    // A link-local address without its interface cannot be connected to on any machine.
    await expect(ask("fe80::1", "example.com")).rejects.toThrow(DnsUnavailableError);
  });

  it.each(["a".repeat(70), `${"a".repeat(60)}.`.repeat(6), "\0.example", "..", ""])("the name %j", async (name) => {
    const outcome = await ask("127.0.0.1", name).catch((error: unknown) => error);
    expect(outcome === undefined || Array.isArray(outcome) || outcome instanceof DnsUnavailableError).toBe(true);
  });
});
