/** The same tests for both kinds of UDP sockets, on real sockets. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { addressText, parseAddress } from "../../src/media/address.ts";
import type { DatagramPorts, DatagramSink } from "../../src/worker/datagram-port.ts";
import { DATAGRAM_PLACE_BYTES } from "../../src/worker/datagram-port.ts";
import { choosePorts } from "../../src/worker/open-ports.ts";

interface Arrived {
  socket: number;
  bytes: Buffer;
  lengthBytes: number;
  address: string;
  port: number;
}

/** Memory that looks like the engine's: one buffer with a place behind some other octets. */
class TestSink implements DatagramSink {
  readonly bytes = new Uint8Array(new WebAssembly.Memory({ initial: 2, maximum: 2 }).buffer);
  readonly arrived: Arrived[] = [];
  readonly at = 4096;

  place(): number {
    return this.at;
  }

  accept(socket: number, lengthBytes: number, source: Parameters<DatagramSink["accept"]>[2], port: number): void {
    const kept = Math.min(lengthBytes, DATAGRAM_PLACE_BYTES);
    const bytes = Buffer.from(this.bytes.subarray(this.at, this.at + kept));
    this.arrived.push({ socket, bytes, lengthBytes, address: addressText(source), port });
  }
}

/** Batched sockets need Linux; elsewhere nothing is chosen but node:dgram. */
const KINDS = process.platform === "linux" ? (["dgram", "batched"] as const) : (["dgram"] as const);

describe.each(KINDS)("datagram ports: %s", (kind) => {
  let sink: TestSink;
  let ports: DatagramPorts;
  let peer: Socket;
  let peerPort: number;
  let atPeer: { bytes: Buffer; port: number }[];

  beforeEach(async () => {
    sink = new TestSink();
    ports = choosePorts(kind).open(sink);
    peer = createSocket("udp4");
    atPeer = [];
    peer.on("message", (bytes, from) => atPeer.push({ bytes, port: from.port }));
    peer.bind(0, "127.0.0.1");
    await once(peer, "listening");
    peerPort = peer.address().port;
  });

  afterEach(() => {
    ports.closeAll();
    peer.close();
  });

  /** Lets the event loop turn, and polls, until `done`; gives up when the test times out. */
  async function until(done: () => boolean): Promise<void> {
    while (!done()) {
      ports.poll();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  function send(socket: number, octets: Uint8Array, address: string, port: number): void {
    sink.bytes.set(octets, 100);
    ports.send(socket, {
      ...parseAddress(address),
      address,
      port,
      bytes: sink.bytes,
      offset: 100,
      length: octets.length,
    });
    // What is sent must not be looked at later: the engine overwrites it at once.
    sink.bytes.fill(0xee, 100, 100 + octets.length);
  }

  it("is of the kind that was asked for", () => {
    expect(ports.kind).toBe(kind);
    expect(ports.needsPolling).toBe(kind === "batched");
  });

  it("binds the port that it is told, or a free one", async () => {
    const any = await ports.bind("127.0.0.1", 0);
    expect(any.port).toBeGreaterThan(0);
    ports.close(any.socket);
    const again = await ports.bind("127.0.0.1", any.port);
    expect(again.port).toBe(any.port);
  });

  it("brings datagrams with length, source address and port", async () => {
    const { socket, port } = await ports.bind("127.0.0.1", 0);
    peer.send(Buffer.from("first"), port, "127.0.0.1");
    peer.send(Buffer.alloc(0), port, "127.0.0.1");
    peer.send(Buffer.alloc(1500, 7), port, "127.0.0.1");
    await until(() => sink.arrived.length === 3);
    expect(sink.arrived.map(({ lengthBytes }) => lengthBytes)).toEqual([5, 0, 1500]);
    expect(sink.arrived[0]).toEqual({
      socket,
      bytes: Buffer.from("first"),
      lengthBytes: 5,
      address: "127.0.0.1",
      port: peerPort,
    });
    expect(sink.arrived[2]?.bytes).toEqual(Buffer.alloc(1500, 7));
    expect(ports.stats()).toMatchObject({ received: 3, receiveErrors: 0, sockets: 1 });
  });

  it("tells the true length of a datagram that is too long, and writes no octet behind the place", async () => {
    const { port } = await ports.bind("127.0.0.1", 0);
    sink.bytes.fill(0xaa, sink.at + DATAGRAM_PLACE_BYTES);
    peer.send(Buffer.alloc(4000, 1), port, "127.0.0.1");
    await until(() => sink.arrived.length === 1);
    expect(sink.arrived[0]?.lengthBytes).toBe(4000);
    expect(sink.bytes[sink.at + DATAGRAM_PLACE_BYTES]).toBe(0xaa);
  });

  it("sends from the bound port, to changing destinations", async () => {
    const { socket, port } = await ports.bind("127.0.0.1", 0);
    const other = createSocket("udp4");
    const atOther: Buffer[] = [];
    other.on("message", (bytes) => atOther.push(bytes));
    other.bind(0, "127.0.0.1");
    await once(other, "listening");
    send(socket, Buffer.from("one"), "127.0.0.1", peerPort);
    send(socket, Buffer.from("two"), "127.0.0.1", other.address().port);
    send(socket, Buffer.from("three"), "127.0.0.1", peerPort);
    await until(() => atPeer.length === 2 && atOther.length === 1);
    expect(atPeer.map(({ bytes }) => bytes.toString())).toEqual(["one", "three"]);
    expect(atPeer[0]?.port).toBe(port);
    expect(atOther[0]?.toString()).toBe("two");
    other.close();
  });

  it("speaks IPv6, and IPv4 in its mapped form from an IPv6 socket", async () => {
    const six = await ports.bind("::1", 0);
    const two = await ports.bind("::1", 0);
    send(six.socket, Buffer.from("six"), "::1", two.port);
    await until(() => sink.arrived.length === 1);
    expect(sink.arrived[0]).toMatchObject({ socket: two.socket, address: "::1", port: six.port });
    const both = await ports.bind("::", 0);
    send(both.socket, Buffer.from("mapped"), "127.0.0.1", peerPort);
    await until(() => atPeer.length === 1);
    peer.send("back", both.port, "127.0.0.1");
    await until(() => sink.arrived.length === 2);
    expect(sink.arrived[1]).toMatchObject({ socket: both.socket, address: "127.0.0.1", port: peerPort });
  });

  it("survives a destination that refuses (ECONNREFUSED) and one that cannot be reached", async () => {
    const { socket, port } = await ports.bind("127.0.0.1", 0);
    const gone = createSocket("udp4");
    gone.bind(0, "127.0.0.1");
    await once(gone, "listening");
    const gonePort = gone.address().port;
    gone.close();
    for (let i = 0; i < 5; i++) send(socket, Buffer.from("x"), "127.0.0.1", gonePort);
    send(socket, Buffer.from("x"), "255.255.255.255", 9);
    send(socket, Buffer.from("still here"), "127.0.0.1", peerPort);
    await until(() => atPeer.length === 1);
    peer.send("and receiving", port, "127.0.0.1");
    await until(() => sink.arrived.length === 1);
    expect(sink.arrived[0]?.bytes.toString()).toBe("and receiving");
  });

  it("names what the system refuses", async () => {
    const { port } = await ports.bind("127.0.0.1", 0);
    await expect(ports.bind("127.0.0.1", port)).rejects.toMatchObject({ code: "EADDRINUSE" });
    await expect(ports.bind("192.0.2.77", 0)).rejects.toMatchObject({ code: "EADDRNOTAVAIL" });
  });

  it("brings nothing for a closed socket and gives its number out again", async () => {
    const first = await ports.bind("127.0.0.1", 0);
    peer.send("unread", first.port, "127.0.0.1");
    await new Promise((resolve) => setTimeout(resolve, 5));
    ports.close(first.socket);
    ports.close(first.socket);
    send(first.socket, Buffer.from("x"), "127.0.0.1", peerPort);
    const second = await ports.bind("127.0.0.1", 0);
    expect(second.socket).toBe(first.socket);
    peer.send("read", second.port, "127.0.0.1");
    await until(() => sink.arrived.some(({ bytes }) => bytes.toString() === "read"));
    expect(atPeer).toEqual([]);
    expect(ports.stats().sockets).toBe(1);
  });

  it("reads from many sockets what one poll brought", async () => {
    const sockets = await Promise.all(Array.from({ length: 60 }, () => ports.bind("127.0.0.1", 0)));
    for (const [i, { port }] of sockets.entries()) peer.send(Buffer.from([i]), port, "127.0.0.1");
    await until(() => sink.arrived.length === sockets.length);
    const pairs = sink.arrived.map(({ socket, bytes }) => [socket, bytes[0]]);
    expect(new Map(pairs as [number, number][])).toEqual(new Map(sockets.map(({ socket }, i) => [socket, i])));
  });
});

describe("the choice of datagram ports", () => {
  it("auto takes batched sockets on Linux; else node:dgram, and says why", () => {
    const choice = choosePorts("auto");
    const kind = choice.open(new TestSink()).kind;
    expect(kind).toBe(process.platform === "linux" ? "batched" : "dgram");
    expect(choice.why === "").toBe(kind === "batched");
  });

  it("takes node:dgram when told so, with nothing to explain", () => {
    const choice = choosePorts("dgram");
    expect(choice.open(new TestSink()).kind).toBe("dgram");
    expect(choice.why).toBe("");
  });
});
