/**
 * SRTP written a second time, on node:crypto and straight from RFC 3711, for tests to compare with. It keeps no state:
 * the caller says which rollover counter and which index.
 */
import { createCipheriv, createHmac } from "node:crypto";

export interface ReferenceKeys {
  readonly cipherKey: Buffer;
  readonly authKey: Buffer;
  readonly salt: Buffer;
}

/** AES-CM keystream of `lengthBytes` octets from a counter block. */
export function keystream(key: Uint8Array, counterBlock: Uint8Array, lengthBytes: number): Buffer {
  return createCipheriv("aes-128-ctr", key, counterBlock).update(Buffer.alloc(lengthBytes));
}

/** RFC 3711 §4.3.1 with a key derivation rate of 0; `srtcp` takes the labels of §4.3.2. */
export function deriveKeys(keySalt: Uint8Array, srtcp = false): ReferenceKeys {
  const derive = (label: number, lengthBytes: number) => {
    const x = Buffer.alloc(16);
    x.set(keySalt.subarray(16, 30));
    x[7]! ^= label + (srtcp ? 3 : 0);
    return keystream(keySalt.subarray(0, 16), x, lengthBytes);
  };
  return { cipherKey: derive(0, 16), authKey: derive(1, 20), salt: derive(2, 14) };
}

/** The counter block of RFC 3711 §4.1.1; `index` is 48 bits for RTP, 31 for RTCP. */
export function counterBlock(salt: Uint8Array, ssrc: number, index: number): Buffer {
  const block = Buffer.alloc(16);
  block.set(salt);
  const mask = Buffer.alloc(16);
  mask.writeUInt32BE(ssrc, 4);
  mask.writeUIntBE(index, 8, 6);
  return Buffer.from(block.map((octet, i) => octet ^ mask[i]!));
}

function xor(data: Uint8Array, stream: Uint8Array): Buffer {
  return Buffer.from(data.map((octet, i) => octet ^ stream[i]!));
}

/** Octets before the payload (RFC 3550 §5.1, §5.3.1). */
export function headerBytes(packet: Buffer): number {
  const fixed = 12 + 4 * (packet[0]! & 15);
  return packet[0]! & 0x10 ? fixed + 4 + 4 * packet.readUInt16BE(fixed + 2) : fixed;
}

/** RFC 3711 §3.3, sender. */
export function protectRtp(keys: ReferenceKeys, plain: Buffer, roc: number, tagBytes: number): Buffer {
  const header = headerBytes(plain);
  const index = roc * 0x10000 + plain.readUInt16BE(2);
  const stream = keystream(
    keys.cipherKey,
    counterBlock(keys.salt, plain.readUInt32BE(8), index),
    plain.length - header,
  );
  const body = Buffer.concat([plain.subarray(0, header), xor(plain.subarray(header), stream)]);
  const rocOctets = Buffer.alloc(4);
  rocOctets.writeUInt32BE(roc);
  const tag = createHmac("sha1", keys.authKey).update(body).update(rocOctets).digest();
  return Buffer.concat([body, tag.subarray(0, tagBytes)]);
}

/** RFC 3711 §3.4, sender; `keys` are those for RTCP. */
export function protectRtcp(keys: ReferenceKeys, plain: Buffer, index: number, encrypted = true): Buffer {
  const stream = keystream(keys.cipherKey, counterBlock(keys.salt, plain.readUInt32BE(4), index), plain.length - 8);
  const word = Buffer.alloc(4);
  word.writeUInt32BE((encrypted ? 0x80000000 : 0) + index);
  const payload = encrypted ? xor(plain.subarray(8), stream) : plain.subarray(8);
  const body = Buffer.concat([plain.subarray(0, 8), payload, word]);
  return Buffer.concat([body, createHmac("sha1", keys.authKey).update(body).digest().subarray(0, 10)]);
}
