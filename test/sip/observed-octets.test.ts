/** What observers of a stack are handed: every message as it stands on the wire, on every transport (issue 4, `tandem explain`). */
import { afterEach, describe, expect, it } from "vitest";
import type { SipMessage } from "../../src/sip/message.ts";
import { lines, nameOf, reached, StreamPeer, startStack, type TestStack, UdpPeer } from "../support/sip-wire.ts";

interface Seen {
  readonly direction: string;
  readonly name: string;
  readonly octets: string;
}

let running: TestStack | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

async function start(): Promise<{ stack: TestStack; seen: Seen[] }> {
  const stack = await startStack();
  running = stack;
  const seen: Seen[] = [];
  stack.stack.onMessage = (direction, message: SipMessage, _flow, octets) =>
    seen.push({ direction, name: nameOf(message), octets: Buffer.from(octets).toString("latin1") });
  return { stack, seen };
}

/** Odd but right: folded, in compact form, with blanks. An observer gets it as it came. */
const request = (callId: string, via: string, changes: readonly string[] = []) =>
  lines(
    [
      "OPTIONS sip:a@example.test SIP/2.0",
      `v: SIP/2.0/${via};branch=z9hG4bK${callId};rport`,
      'f:   "A"',
      " <sip:a@x.test>;tag=1",
      "t: <sip:b@x.test>",
      `i: ${callId}`,
      "CSeq:   1   OPTIONS",
      "Max-Forwards: 70",
      ...changes,
    ],
    "",
  );

describe("an observer gets", () => {
  it("datagrams in both directions, octet by octet", async () => {
    const { stack, seen } = await start();
    const peer = await UdpPeer.open();
    const sent = request("one", `UDP 127.0.0.1:${peer.port}`);
    await peer.send(sent, stack.port("udp"));
    await reached(() => seen.length === 2, "request and answer");
    expect(seen[0]).toEqual({ direction: "in", name: "OPTIONS", octets: sent.toString("latin1") });
    expect(seen[1]!.direction).toBe("out");
    expect(seen[1]!.octets).toMatch(/^SIP\/2\.0 405 /);
    await peer.close();
  });

  it("each message of a stream, however the segments cut them", async () => {
    const { stack, seen } = await start();
    const peer = await StreamPeer.open(stack.port("tcp"));
    const sent = ["one", "two", "three"].map((id) => request(id, "TCP 127.0.0.1:5060"));
    const all = Buffer.concat([Buffer.from("\r\n\r\n"), ...sent]);
    for (let at = 0; at < all.length; at += 100) peer.socket.write(all.subarray(at, at + 100));
    await reached(() => seen.filter(({ direction }) => direction === "in").length === 3, "three requests");
    expect(seen.filter(({ direction }) => direction === "in").map(({ octets }) => octets)).toEqual(
      sent.map((octets) => octets.toString("latin1")),
    );
    peer.socket.destroy();
  });

  it("a request that is refused because it cannot be read, before its answer", async () => {
    const { stack, seen } = await start();
    const peer = await UdpPeer.open();
    const sent = request("bad", `UDP 127.0.0.1:${peer.port}`, ["CSeq: 2 OPTIONS"]);
    await peer.send(sent, stack.port("udp"));
    await reached(() => seen.length === 2, "request and answer");
    expect(seen[0]).toMatchObject({ direction: "in", octets: sent.toString("latin1") });
    expect(seen[1]!.octets).toMatch(/^SIP\/2\.0 400 /);
    await peer.close();
  });

  it("nothing for what is no SIP", async () => {
    const { stack, seen } = await start();
    const peer = await UdpPeer.open();
    await peer.send(Buffer.from("GET / HTTP/1.1\r\n\r\n"), stack.port("udp"));
    const sent = request("after", `UDP 127.0.0.1:${peer.port}`);
    await peer.send(sent, stack.port("udp"));
    await reached(() => seen.length === 2, "request and answer");
    expect(seen[0]!.octets).toBe(sent.toString("latin1"));
    await peer.close();
  });
});
