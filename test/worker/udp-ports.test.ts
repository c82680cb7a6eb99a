import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import type { BoundSocket, DatagramPorts, DatagramSink } from "../../src/worker/datagram-port.ts";
import { DgramPorts } from "../../src/worker/dgram-ports.ts";
import { UdpPorts } from "../../src/worker/udp-ports.ts";
import { ManualClock } from "../support/manual-clock.ts";

const sink: DatagramSink = { bytes: new Uint8Array(2000), place: () => 0, accept() {} };
const opened: DatagramPorts[] = [];

afterEach(() => {
  for (const ports of opened.splice(0)) ports.closeAll();
});

function make(portMin: number, portMax: number, firstPair = 0, keptMax = 0) {
  const clock = new ManualClock();
  const ports = new DgramPorts(sink);
  opened.push(ports);
  return { clock, ports, pairs: new UdpPorts({ ports, clock, portMin, portMax, firstPair, keptMax }) };
}

/** A range of ports that this process seems to have for itself. */
async function freeRange(pairCount: number): Promise<number> {
  for (;;) {
    const first = 20_000 + 2 * Math.floor(Math.random() * 10_000);
    const { ports } = make(0, 0);
    const probes = Array.from({ length: pairCount * 2 }, (_, i) => ports.bind("127.0.0.1", first + i));
    const results = await Promise.allSettled(probes);
    ports.closeAll();
    if (results.every(({ status }) => status === "fulfilled")) return first;
  }
}

describe("RFC 3550 §11, R-MEDIA-11: port pairs", () => {
  it("binds RTP on even and RTCP on the odd port above, inside the range, from the first pair on", async () => {
    const first = await freeRange(3);
    const { pairs } = make(first, first + 5, 1);
    const got = [await pairs.open("127.0.0.1"), await pairs.open("127.0.0.1"), await pairs.open("127.0.0.1")];
    expect(got.map(({ rtpPort }) => rtpPort)).toEqual([first + 2, first + 4, first]);
    for (const pair of got) expect(pair.rtcpPort).toBe(pair.rtpPort + 1);
    await expect(pairs.open("127.0.0.1")).rejects.toMatchObject({ code: "MEDIA_NO_PORT" });
  });

  it("leaves odd edges of the range out", async () => {
    const first = await freeRange(3);
    const { pairs } = make(first + 1, first + 4);
    expect((await pairs.open("127.0.0.1")).rtpPort).toBe(first + 2);
    await expect(pairs.open("127.0.0.1")).rejects.toMatchObject({ code: "MEDIA_NO_PORT" });
  });

  it("passes over pairs of which another program has one half", async () => {
    const first = await freeRange(3);
    const foreign = createSocket("udp4");
    foreign.bind(first + 1, "127.0.0.1");
    await once(foreign, "listening");
    const { pairs, ports } = make(first, first + 5);
    expect((await pairs.open("127.0.0.1")).rtpPort).toBe(first + 2);
    expect(ports.stats().sockets).toBe(2);
    foreign.close();
  });

  it("RTP-SES-6: lets a released pair rest for 10 s", async () => {
    const first = await freeRange(2);
    const { pairs, clock } = make(first, first + 3);
    const one = await pairs.open("127.0.0.1");
    const two = await pairs.open("127.0.0.1");
    pairs.close(one);
    clock.advance(5000);
    pairs.close(two);
    clock.advance(4999);
    await expect(pairs.open("127.0.0.1")).rejects.toMatchObject({ code: "MEDIA_NO_PORT" });
    clock.advance(1);
    expect((await pairs.open("127.0.0.1")).rtpPort).toBe(one.rtpPort);
    await expect(pairs.open("127.0.0.1")).rejects.toMatchObject({ code: "MEDIA_NO_PORT" });
    clock.advance(5000);
    expect((await pairs.open("127.0.0.1")).rtpPort).toBe(two.rtpPort);
  });

  it("range 0,0: takes any free even port, never one that rests", async () => {
    const { pairs, clock } = make(0, 0);
    const resting = new Set<number>();
    for (let i = 0; i < 20; i++) {
      const pair = await pairs.open("127.0.0.1");
      expect(pair.rtpPort % 2).toBe(0);
      expect(pair.rtcpPort).toBe(pair.rtpPort + 1);
      expect(resting.has(pair.rtpPort)).toBe(false);
      resting.add(pair.rtpPort);
      pairs.close(pair);
      clock.advance(1);
    }
    expect(pairs.openPairs).toBe(0);
  });

  it("two opens at once get different pairs", async () => {
    const first = await freeRange(2);
    const { pairs } = make(first, first + 3);
    const got = await Promise.all([pairs.open("127.0.0.1"), pairs.open("127.0.0.1")]);
    expect(new Set(got.map(({ rtpPort }) => rtpPort)).size).toBe(2);
  });

  it("says at once when no port would do, and tries no other", async () => {
    const first = await freeRange(2);
    const { pairs } = make(first, first + 3);
    await expect(pairs.open("192.0.2.77")).rejects.toMatchObject({
      code: "MEDIA_NO_PORT",
      message: expect.stringContaining("EADDRNOTAVAIL"),
    });
    expect(pairs.openPairs).toBe(0);
  });

  it("gives up after a bounded number of busy ports", async () => {
    let attempts = 0;
    const busy = {
      ...make(0, 0).ports,
      bind(): Promise<BoundSocket> {
        attempts++;
        return Promise.reject(Object.assign(new Error("busy"), { code: "EADDRINUSE" }));
      },
    } as unknown as DatagramPorts;
    const pairs = new UdpPorts({ ports: busy, clock: new ManualClock(), portMin: 10_000, portMax: 60_000 });
    await expect(pairs.open("127.0.0.1")).rejects.toMatchObject({ code: "MEDIA_NO_PORT" });
    expect(attempts).toBe(64);
  });

  it("RTP-SES-6: gives a pair that stayed bound out again when it has rested, and none before", async () => {
    const first = await freeRange(3);
    const { pairs, ports, clock } = make(first, first + 5, 0, 1);
    const one = await pairs.open("127.0.0.1");
    const two = await pairs.open("127.0.0.1");
    pairs.close(one);
    pairs.close(two);
    // One may be kept, with both of its sockets.
    expect(ports.stats().sockets).toBe(2);
    clock.advance(9999);
    const three = await pairs.open("127.0.0.1");
    expect(three.rtpPort).toBe(first + 4);
    clock.advance(1);
    expect(await pairs.open("127.0.0.1")).toEqual(one);
    expect(ports.stats().sockets).toBe(4);
    expect(pairs.openPairs).toBe(2);
    pairs.close(one);
    expect(ports.stats().sockets).toBe(4);
  });

  it("lets go of what it keeps when a pair is missing", async () => {
    const first = await freeRange(1);
    const { pairs, ports, clock } = make(first, first + 1, 0, 8);
    pairs.close(await pairs.open("127.0.0.1"));
    clock.advance(10_000);
    const other = await pairs.open("127.0.0.2");
    expect(other).toMatchObject({ address: "127.0.0.2", rtpPort: first });
    expect(ports.stats().sockets).toBe(2);
  });
});
