/** RTP packets of one sender (RFC 3550 5.1), one after the other, with everything that a sender may change on the way. */
export class RtpSource {
  ssrc: number;
  sequence: number;
  timestamp: number;
  payloadType: number;

  constructor({ ssrc = 0x1234, sequence = 100, timestamp = 8000, payloadType = 0 } = {}) {
    this.ssrc = ssrc;
    this.sequence = sequence;
    this.timestamp = timestamp;
    this.payloadType = payloadType;
  }

  /** The next packet; number and time go on behind it. */
  next(payload: Uint8Array, { marker = false, payloadType = this.payloadType, samples = payload.length } = {}): Buffer {
    const packet = Buffer.alloc(12 + payload.length);
    packet[0] = 0x80;
    packet[1] = (marker ? 0x80 : 0) | payloadType;
    packet.writeUInt16BE(this.sequence & 0xffff, 2);
    packet.writeUInt32BE(this.timestamp >>> 0, 4);
    packet.writeUInt32BE(this.ssrc >>> 0, 8);
    packet.set(payload, 12);
    this.sequence = (this.sequence + 1) & 0xffff;
    this.timestamp = (this.timestamp + samples) >>> 0;
    return packet;
  }

  /** A packet that is lost on the way. */
  lose(samples = 160): void {
    this.sequence = (this.sequence + 1) & 0xffff;
    this.timestamp = (this.timestamp + samples) >>> 0;
  }
}

/** Header fields of a packet. */
export function readRtp(packet: Buffer): {
  marker: boolean;
  payloadType: number;
  sequence: number;
  timestamp: number;
  ssrc: number;
  payload: Buffer;
  /** The whole packet. */
  packet: Buffer;
} {
  return {
    marker: packet[1]! >= 0x80,
    payloadType: packet[1]! & 0x7f,
    sequence: packet.readUInt16BE(2),
    timestamp: packet.readUInt32BE(4),
    ssrc: packet.readUInt32BE(8),
    payload: packet.subarray(12),
    packet,
  };
}
