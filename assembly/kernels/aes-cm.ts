/**
 * AES in counter mode as SRTP defines it (RFC 3711 §4.1.1): the keystream is the cipher of the counter block IV,
 * IV + 1, IV + 2, …, and a packet is encrypted and decrypted alike, by exclusive or. What is done here is to share out
 * the eight lanes of a pass (aes-sliced.ts) among the blocks of up to four packets.
 */
import { aesExpandKey, SCHEDULE_BYTES } from "./aes";
import { PASS_BLOCKS, runPass, runPassOfOne, wipePass } from "./aes-sliced";
import { CipherJob, openPasses, openPassesOfOne, SLICED_KEY_BYTES, sliceKey, wipeSpread } from "./aes-sliced-keys";

/** Octets of a prepared key. */
export const CM_KEY_BYTES: i32 = SLICED_KEY_BYTES;

export { CipherJob };

/** The counter of a job is one octet. */
const JOB_BYTES_MAX: i32 = 4096;
const LANES: i32 = 8;
/** The counters 0 to 7, lane 0 lowest, and one in each. */
const COUNT_UP: u64 = 0x0706050403020100;
const ONES: u64 = 0x0101010101010101;

const SCHEDULE = memory.data(176, 16);
const JOB = memory.data(32, 16);
/** Four jobs for whoever makes a group; here, because counter blocks have the salt in them and are wiped. */
export const CIPHER_JOBS = memory.data(128, 16);

/** Prepares a key of 16 octets; `prepared` takes CM_KEY_BYTES. */
export function aesCmOpen(prepared: usize, key: usize): void {
  aesExpandKey(SCHEDULE, key);
  sliceKey(prepared, SCHEDULE);
  memory.fill(SCHEDULE, 0, SCHEDULE_BYTES);
}

// @ts-expect-error: decorator
@inline
function jobAt(jobs: usize, i: i32): CipherJob {
  return changetype<CipherJob>(jobs + <usize>i * offsetof<CipherJob>());
}

/**
 * Encrypts or decrypts each packet of a group in place. Whole blocks are written: up to 15 octets behind each are
 * changed.
 * @param jobs CipherJob records, one behind the other
 * @param count 1 to 4
 */
export function aesCmGroup(jobs: usize, count: i32): void {
  if (count == 1) {
    openPassesOfOne(jobAt(jobs, 0));
  } else {
    // A place that is not taken repeats the last packet; it gets no lanes.
    openPasses(jobAt(jobs, 0), jobAt(jobs, 1), jobAt(jobs, min(2, count - 1)), jobAt(jobs, count - 1));
  }
  let i = 0;
  let block = 0;
  while (i < count) {
    // Fill eight lanes, going on to the next packet where one ends.
    const first = i;
    const firstBlock = block;
    let lane = 0;
    let counters: u64 = 0;
    let owners: u32 = 0;
    while (i < count && lane < LANES) {
      const left = ((jobAt(jobs, i).length + 15) >> 4) - block;
      const taken = min(left, LANES - lane);
      if (taken > 0) {
        const span = (<u64>-1) >> (64 - (taken << 3));
        counters |= ((COUNT_UP + ONES * <u64>block) & span) << (lane << 3);
        owners |= (((1 << taken) - 1) << lane) << (i << 3);
      }
      lane += taken;
      block += taken;
      if (taken == left) {
        i++;
        block = 0;
      }
    }
    if (lane == 0) return;
    if (count == 1) runPassOfOne(counters);
    else runPass(owners, counters);
    addBlocks(jobs, first, firstBlock, lane);
  }
}

/** Adds the keystream of a pass, and the last round key, to the data. */
function addBlocks(jobs: usize, i: i32, block: i32, lanes: i32): void {
  let stream: usize = PASS_BLOCKS;
  const streamEnd = stream + (<usize>lanes << 4);
  for (; stream < streamEnd; i++, block = 0) {
    const job = jobAt(jobs, i);
    const lastKey = v128.load(job.key, 160);
    const end = job.data + job.length;
    let data = job.data + (<usize>block << 4);
    for (; data < end && stream < streamEnd; data += 16, stream += 16) {
      v128.store(data, v128.xor(v128.load(data), v128.xor(lastKey, v128.load(stream))));
    }
  }
}

/**
 * Encrypts or decrypts one message of any length up to 2^20 octets in place; up to 15 octets behind it are changed.
 * @param prepared key (`aesCmOpen`)
 * @param iv counter block of 16 octets, the last two 0
 */
export function aesCm(prepared: usize, iv: usize, data: usize, length: i32): void {
  const job = changetype<CipherJob>(JOB);
  job.key = prepared;
  job.ivLow = load<u64>(iv);
  job.ivHigh = load<u64>(iv, 8);
  for (let done = 0; done < length; done += JOB_BYTES_MAX) {
    store<u8>(JOB + offsetof<CipherJob>("ivHigh"), <u8>(done >> 12), 6);
    job.data = data + done;
    job.length = min(length - done, JOB_BYTES_MAX);
    aesCmGroup(JOB, 1);
  }
}

/** Forgets what keys have left in the kernels' own memory. */
export function wipeCipher(): void {
  wipeSpread();
  wipePass();
  memory.fill(JOB, 0, 32);
  memory.fill(CIPHER_JOBS, 0, 128);
}
