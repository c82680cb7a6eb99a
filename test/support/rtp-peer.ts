/** The far end of a leg on a real socket: sends RTP on a steady clock and keeps what comes back. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

export interface RtpPacket {
  readonly marker: boolean;
  readonly payloadType: number;
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Buffer;
  /** When it came, `performance.now()`. */
  readonly arrivalMs: number;
}

export function rtpPacket(fields: Omit<RtpPacket, "arrivalMs">): Buffer {
  const header = Buffer.alloc(12);
  header[0] = 0x80;
  header[1] = (fields.marker ? 0x80 : 0) | fields.payloadType;
  header.writeUInt16BE(fields.sequenceNumber & 0xffff, 2);
  header.writeUInt32BE(fields.timestamp >>> 0, 4);
  header.writeUInt32BE(fields.ssrc >>> 0, 8);
  return Buffer.concat([header, fields.payload]);
}

export class RtpPeer {
  readonly received: RtpPacket[] = [];
  readonly ssrc = 0x1000_0000 + Math.floor(Math.random() * 0x1000_0000);
  readonly #socket: Socket;
  #sequenceNumber = 100;
  #timestamp = 5000;
  #timer: NodeJS.Timeout | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (bytes) => {
      if (bytes.length < 12) return;
      this.received.push({
        marker: (bytes[1]! & 0x80) !== 0,
        payloadType: bytes[1]! & 0x7f,
        sequenceNumber: bytes.readUInt16BE(2),
        timestamp: bytes.readUInt32BE(4),
        ssrc: bytes.readUInt32BE(8),
        payload: bytes.subarray(12),
        arrivalMs: performance.now(),
      });
    });
  }

  static async open(): Promise<RtpPeer> {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    return new RtpPeer(socket);
  }

  /** Where a leg is to send. */
  get remote(): { address: string; port: number } {
    return { address: "127.0.0.1", port: this.#socket.address().port };
  }

  /** Sends one packet of 20 ms. */
  send(port: number, payload: Buffer, payloadType = 0): void {
    const packet = rtpPacket({
      marker: false,
      payloadType,
      sequenceNumber: this.#sequenceNumber++,
      timestamp: this.#timestamp,
      ssrc: this.ssrc,
      payload,
    });
    this.#timestamp += payload.length;
    this.#socket.send(packet, port, "127.0.0.1");
  }

  /** Sends what `payloadOf` gives for frame 0, 1, 2 …, one every 20 ms; what was missed is sent late, none is left out. */
  stream(port: number, payloadOf: (frame: number) => Buffer, payloadType = 0): void {
    const startMs = performance.now();
    let frame = 0;
    this.#timer = setInterval(() => {
      while (frame * 20 <= performance.now() - startMs) this.send(port, payloadOf(frame++), payloadType);
    }, 5);
  }

  stopStream(): void {
    clearInterval(this.#timer);
  }

  close(): void {
    this.stopStream();
    this.#socket.close();
  }
}

/** Audio that tells where in the stream it is: every frame another, no octet of it silence. */
export function patternFrame(frame: number): Buffer {
  return Buffer.from(Array.from({ length: 160 }, (_, i) => (frame * 7 + i) % 100));
}
