/** The thread that sends hostile messages: over UDP from two addresses, and over TCP in pieces. */
import { createSocket, type Socket as UdpHandle } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { seededRandom } from "./seeded-random.ts";
import { SipMutator } from "./sip-mutator.ts";

export interface SenderOrder {
  readonly seed: number;
  readonly count: number;
  readonly corpus: readonly Uint8Array[];
  readonly gateway: { readonly address: string; readonly port: number };
  /** The first is a peer that the gateway knows, the others are strangers. */
  readonly sources: readonly string[];
  /** Turns of the gateway's event loop: it sends on only when they go on. */
  readonly turns: Int32Array;
}

/** Messages before the gateway must have had a turn. */
const BURST = 20;
/** Messages on one connection, if it lives that long. */
const PER_CONNECTION = 50;

async function send({ seed, count, corpus, gateway, sources, turns }: SenderOrder): Promise<void> {
  const random = seededRandom(seed ^ 0x5eed);
  const mutator = new SipMutator(seed, corpus);
  const sockets: UdpHandle[] = [];
  for (const address of sources) {
    const socket = createSocket({ type: "udp4", recvBufferSize: 1024 * 1024 });
    socket.on("error", () => undefined);
    socket.bind(0, address);
    await once(socket, "listening");
    sockets.push(socket);
  }
  let connection: Socket | undefined;
  let onConnection = 0;
  for (let sent = 0; sent < count; sent++) {
    const bytes = mutator.next();
    if (random() < 0.8) {
      const from = sockets[random() < 0.8 ? 0 : 1 + Math.floor(random() * (sockets.length - 1))]!;
      // What no datagram can hold would not be sent at all.
      from.send(bytes.subarray(0, 65_000), gateway.port, gateway.address, () => undefined);
    } else {
      if (connection === undefined || connection.destroyed || !connection.writable || ++onConnection > PER_CONNECTION) {
        connection?.destroy();
        onConnection = 0;
        connection = connect({ ...{ host: gateway.address, port: gateway.port }, localAddress: sources[0]! });
        connection.on("error", () => undefined);
        connection.resume();
      }
      const cut = Math.floor(random() * bytes.length);
      if (random() < 0.3) {
        connection.write(bytes.subarray(0, cut));
        await new Promise<void>((done) => setImmediate(done));
        connection.write(bytes.subarray(cut));
      } else connection.write(bytes);
    }
    if (sent % BURST === BURST - 1) {
      const turn = Atomics.load(turns, 0);
      while (Atomics.load(turns, 0) === turn) await new Promise<void>((done) => setTimeout(done, 1));
    }
  }
  connection?.destroy();
  for (const socket of sockets) socket.close();
}

await send(workerData as SenderOrder);
parentPort?.postMessage("done");
