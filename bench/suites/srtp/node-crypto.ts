/**
 * SRTP on node:crypto, in the two forms that are worth a comparison. Neither keeps a replay list.
 *
 * Fair: a cipher and an HMAC object a packet, from KeyObjects (raw keys cost Node 24 five times as much). Best: one
 * long-lived ECB cipher per context, which is fed counter blocks, and HMAC as two one-shot hashes.
 */
import { type Cipheriv, createCipheriv, createHmac, createSecretKey, hash, type KeyObject } from "node:crypto";
import type { Candidate } from "../../harness/suite.ts";
import {
  CONTEXTS,
  expectEqual,
  PLAIN_BYTES,
  PROBES,
  PROTECTED_BYTES,
  plainPacket,
  protectedPacket,
  Rounds,
  SLICE,
  sessionKeysOf,
  TAG_BYTES,
} from "./fixture.ts";

const SEQUENCE = 7;

interface Road {
  protect(context: number, plain: Buffer, out: Buffer): void;
  /** Returns whether the tag was right. */
  unprotect(context: number, whole: Buffer, out: Buffer): boolean;
}

function counterBlock(salt: Buffer, packet: Buffer, block: Buffer): void {
  salt.copy(block);
  block[14] = 0;
  block[15] = 0;
  for (let i = 0; i < 4; i++) block[4 + i]! ^= packet[8 + i]!;
  block[12]! ^= packet[2]!;
  block[13]! ^= packet[3]!;
}

function sameTag(tag: Buffer, whole: Buffer): boolean {
  let difference = 0;
  for (let i = 0; i < TAG_BYTES; i++) difference |= tag[i]! ^ whole[PLAIN_BYTES + i]!;
  return difference === 0;
}

class KeyObjectRoad implements Road {
  readonly #contexts: { cipherKey: KeyObject; authKey: KeyObject; salt: Buffer }[] = [];
  readonly #block = Buffer.alloc(16);

  constructor() {
    for (let i = 0; i < CONTEXTS; i++) {
      const { cipherKey, authKey, salt } = sessionKeysOf(i);
      this.#contexts.push({ cipherKey: createSecretKey(cipherKey), authKey: createSecretKey(authKey), salt });
    }
  }

  #cipher(context: number, packet: Buffer, out: Buffer): void {
    const { cipherKey, salt } = this.#contexts[context]!;
    counterBlock(salt, packet, this.#block);
    createCipheriv("aes-128-ctr", cipherKey, this.#block).update(packet.subarray(12, PLAIN_BYTES)).copy(out, 12);
  }

  protect(context: number, plain: Buffer, out: Buffer): void {
    plain.copy(out, 0, 0, 12);
    this.#cipher(context, plain, out);
    out.writeUInt32BE(0, PLAIN_BYTES);
    const { authKey } = this.#contexts[context]!;
    createHmac("sha1", authKey)
      .update(out.subarray(0, PLAIN_BYTES + 4))
      .digest()
      .copy(out, PLAIN_BYTES, 0, TAG_BYTES);
  }

  unprotect(context: number, whole: Buffer, out: Buffer): boolean {
    whole.copy(out, 0, 0, PLAIN_BYTES);
    out.writeUInt32BE(0, PLAIN_BYTES);
    const { authKey } = this.#contexts[context]!;
    const tag = createHmac("sha1", authKey)
      .update(out.subarray(0, PLAIN_BYTES + 4))
      .digest();
    if (!sameTag(tag, whole)) return false;
    this.#cipher(context, whole, out);
    return true;
  }
}

class LongLivedRoad implements Road {
  readonly #contexts: { ecb: Cipheriv; inner: Buffer; outer: Buffer; salt: Buffer }[] = [];
  readonly #blocks = Buffer.alloc(160);

  constructor() {
    for (let i = 0; i < CONTEXTS; i++) {
      const { cipherKey, authKey, salt } = sessionKeysOf(i);
      const ecb = createCipheriv("aes-128-ecb", cipherKey, null).setAutoPadding(false) as Cipheriv;
      const pad = (octet: number, room: number) => {
        const block = Buffer.alloc(64 + room);
        for (let j = 0; j < 64; j++) block[j] = octet ^ (authKey[j] ?? 0);
        return block;
      };
      this.#contexts.push({ ecb, salt, inner: pad(0x36, PLAIN_BYTES + 4), outer: pad(0x5c, 20) });
    }
  }

  #cipher(context: number, packet: Buffer, out: Buffer): void {
    const { ecb, salt } = this.#contexts[context]!;
    const blocks = this.#blocks;
    counterBlock(salt, packet, blocks);
    for (let n = 1; n < 10; n++) {
      blocks.copy(blocks, 16 * n, 0, 16);
      blocks[16 * n + 15] = n;
    }
    const stream = ecb.update(blocks);
    for (let i = 0; i < 160; i++) out[12 + i] = packet[12 + i]! ^ stream[i]!;
  }

  #tag(context: number, packet: Buffer): Buffer {
    const { inner, outer } = this.#contexts[context]!;
    packet.copy(inner, 64, 0, PLAIN_BYTES);
    hash("sha1", inner, "buffer").copy(outer, 64);
    return hash("sha1", outer, "buffer");
  }

  protect(context: number, plain: Buffer, out: Buffer): void {
    plain.copy(out, 0, 0, 12);
    this.#cipher(context, plain, out);
    this.#tag(context, out).copy(out, PLAIN_BYTES, 0, TAG_BYTES);
  }

  unprotect(context: number, whole: Buffer, out: Buffer): boolean {
    if (!sameTag(this.#tag(context, whole), whole)) return false;
    whole.copy(out, 0, 0, 12);
    this.#cipher(context, whole, out);
    return true;
  }
}

export const keyObjectRoad = (): Road => new KeyObjectRoad();
export const longLivedRoad = (): Road => new LongLivedRoad();

export function protecting(road: Road): Candidate {
  const plain = Array.from({ length: CONTEXTS }, (_, i) => plainPacket(i, SEQUENCE));
  const out = Array.from({ length: CONTEXTS }, () => Buffer.alloc(PROTECTED_BYTES));
  const rounds = new Rounds();
  const call = () => {
    const start = rounds.next();
    for (let i = start; i < start + SLICE; i++) road.protect(i, plain[i]!, out[i]!);
  };
  return {
    unitsPerCall: SLICE,
    call,
    check: () => {
      for (const buffer of out) buffer.fill(0);
      rounds.reset();
      Rounds.whole(call);
      for (const i of PROBES) expectEqual(out[i]!, protectedPacket(i, SEQUENCE), `packet ${i}`);
    },
  };
}

export function unprotecting(road: Road): Candidate {
  const whole = Array.from({ length: CONTEXTS }, (_, i) => protectedPacket(i, SEQUENCE));
  const out = Array.from({ length: CONTEXTS }, () => Buffer.alloc(PROTECTED_BYTES));
  let wrong = 0;
  const rounds = new Rounds();
  const call = () => {
    const start = rounds.next();
    for (let i = start; i < start + SLICE; i++) if (!road.unprotect(i, whole[i]!, out[i]!)) wrong++;
  };
  return {
    unitsPerCall: SLICE,
    call,
    check: () => {
      for (const buffer of out) buffer.fill(0);
      rounds.reset();
      Rounds.whole(call);
      if (wrong > 0) throw new Error(`${wrong} tags were refused`);
      for (let i = 0; i < CONTEXTS; i++)
        expectEqual(out[i]!.subarray(0, PLAIN_BYTES), plainPacket(i, SEQUENCE), `packet ${i}`);
    },
  };
}
