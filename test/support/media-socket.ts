/** RTP and RTCP sockets of a wire party: what comes is kept as it came, what is sent is made by the test. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { type RtpPacket, rtpPacket } from "./rtp-peer.ts";

export interface Arrived {
  readonly bytes: Buffer;
  readonly fromAddress: string;
  readonly fromPort: number;
  readonly arrivalMs: number;
}

export class MediaSocket {
  readonly address: string;
  readonly port: number;
  readonly received: Arrived[] = [];
  readonly #socket: Socket;
  #sequenceNumber = 1;
  #timestamp = 160;
  ssrc = 0x7000_0001;

  private constructor(socket: Socket) {
    this.#socket = socket;
    ({ address: this.address, port: this.port } = socket.address());
    socket.on("message", (bytes, from) => {
      this.received.push({
        bytes,
        fromAddress: from.address,
        fromPort: from.port,
        arrivalMs: performance.now(),
      });
    });
  }

  static async open(address: string, port = 0): Promise<MediaSocket> {
    const socket = createSocket("udp4");
    socket.bind(port, address);
    await once(socket, "listening");
    return new MediaSocket(socket);
  }

  /** An even port and the one behind it. */
  static async openPair(address: string): Promise<[rtp: MediaSocket, rtcp: MediaSocket]> {
    for (;;) {
      const rtp = await MediaSocket.open(address);
      if (rtp.port % 2 === 0)
        try {
          return [rtp, await MediaSocket.open(address, rtp.port + 1)];
        } catch {
          // The neighbour is taken.
        }
      rtp.close();
    }
  }

  /** 20 ms of audio, every packet the same. */
  sendAudio(address: string, port: number, payloadType = 0): void {
    this.#send({ payloadType, marker: false, payload: Buffer.alloc(160, 0x35) }, address, port);
    this.#timestamp += 160;
  }

  /** A key press by RFC 4733: its packets at once, end three times. */
  sendEvent(address: string, port: number, event: number, payloadType = 101): void {
    for (const [index, duration] of [160, 320, 480, 640, 800, 800, 800].entries()) {
      const payload = Buffer.from([event, index >= 4 ? 0x8a : 0x0a, duration >> 8, duration & 0xff]);
      this.#send({ payloadType, marker: index === 0, payload }, address, port);
    }
    this.#timestamp += 1600;
  }

  send(bytes: Buffer, address: string, port: number): void {
    this.#socket.send(bytes, port, address);
  }

  /** What came of that payload type, and of RTP at all. */
  payloads(payloadType: number): Buffer[] {
    return this.received
      .filter(({ bytes }) => (bytes[1]! & 0x7f) === payloadType)
      .map(({ bytes }) => bytes.subarray(12));
  }

  close(): void {
    this.#socket.close();
  }

  #send(fields: Pick<RtpPacket, "payloadType" | "marker" | "payload">, address: string, port: number): void {
    const packet = rtpPacket({
      ...fields,
      sequenceNumber: this.#sequenceNumber++,
      timestamp: this.#timestamp,
      ssrc: this.ssrc,
    });
    this.#socket.send(packet, port, address);
  }
}
