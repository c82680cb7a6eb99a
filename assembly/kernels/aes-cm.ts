/**
 * AES in counter mode as SRTP defines it (RFC 3711 §4.1.1): the keystream is the cipher of the counter block IV,
 * IV + 1, IV + 2, …, and a packet is encrypted and decrypted alike, by exclusive or.
 */
import { aesEncrypt } from "./aes";

const BLOCK = memory.data(16, 16);

/**
 * Encrypts or decrypts in place. Whole blocks are written: up to 15 octets behind the data are changed.
 * @param schedule expanded key (aes.ts)
 * @param iv 16 octets, the last two 0
 * @param length octets, at most 2^20
 */
export function aesCm(schedule: usize, iv: usize, data: usize, length: i32): void {
  for (let counter: u32 = 0; counter << 4 < <u32>length; counter++) {
    v128.store(BLOCK, v128.load(iv));
    store<u16>(BLOCK, bswap<u16>(<u16>counter), 14);
    aesEncrypt(schedule, BLOCK, BLOCK);
    const block = data + (<usize>counter << 4);
    v128.store(block, v128.xor(v128.load(block), v128.load(BLOCK)));
  }
  v128.store(BLOCK, i64x2.splat(0));
}

/** One packet's share of a group. */
@unmanaged
export class CipherJob {
  schedule: usize;
  data: usize;
  length: i32;
  reserved: u32;
  /** 16 octets, the last two 0. */
  ivLow: u64;
  ivHigh: u64;
}

/** Encrypts or decrypts each packet of a group, at most four jobs, in place. */
export function aesCmGroup(jobs: usize, count: i32): void {
  for (let i = 0; i < count; i++, jobs += offsetof<CipherJob>()) {
    const job = changetype<CipherJob>(jobs);
    aesCm(job.schedule, jobs + offsetof<CipherJob>("ivLow"), job.data, job.length);
  }
}
