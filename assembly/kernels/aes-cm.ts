/**
 * AES in counter mode as SRTP defines it (RFC 3711 §4.1.1): the keystream is the cipher of the counter block IV,
 * IV + 1, IV + 2, …, and a packet is encrypted and decrypted alike, by exclusive or. What is done here is to share out
 * the eight lanes of a pass (aes-sliced.ts) among the blocks of up to four packets.
 */
import { aesExpandKey, SCHEDULE_BYTES } from "./aes";
import { EVEN_PASSES_MAX, openEven, runEven, wipeEven } from "./aes-cm-even";
import { PASS_BLOCKS, runPass, wipePass } from "./aes-sliced";
import { CipherJob, openPasses, openPassesOfOne, SLICED_KEY_BYTES, sliceKey, wipeSpread } from "./aes-sliced-keys";

/** Octets of a prepared key. */
export const CM_KEY_BYTES: i32 = SLICED_KEY_BYTES;

export { CipherJob };

/** 16 passes of eight blocks. The counter of a job has one octet, so there are two jobs to one value of octet 14. */
const JOB_BYTES_MAX: i32 = 2048;
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
function blocksOf(job: CipherJob): i32 {
  return (job.length + 15) >> 4;
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
  let total = 0;
  let longest = 0;
  for (let i = 0; i < count; i++) {
    const blocks = blocksOf(jobAt(jobs, i));
    total += blocks;
    longest = max(longest, blocks);
  }
  const lanesEach = count == 1 ? 8 : count == 2 ? 4 : 2;
  const passes = (longest + lanesEach - 1) / lanesEach;
  const even = passes <= EVEN_PASSES_MAX && passes <= (total + 7) >> 3;
  if (even && count == 1) {
    openPassesOfOne(jobAt(jobs, 0));
  } else {
    // A place that is not taken repeats a packet; it gets no lanes.
    const last = count - 1;
    openPasses(jobAt(jobs, 0), jobAt(jobs, min(1, last)), jobAt(jobs, min(2, last)), jobAt(jobs, last));
  }
  if (even) runEvenly(jobs, count, lanesEach, passes);
  else runPacked(jobs, count);
}

/** Every packet has its own lanes, the same in all passes. */
function runEvenly(jobs: usize, count: i32, lanesEach: i32, passes: i32): void {
  if (passes == 0) return;
  openEven(lanesEach, passes);
  for (let pass = 0; pass < passes; pass++) {
    runEven(lanesEach, pass, passes);
    for (let i = 0; i < count; i++) {
      const stream = PASS_BLOCKS + (<usize>(i * lanesEach) << 4);
      addStream(jobAt(jobs, i), pass * lanesEach, stream, stream + (<usize>lanesEach << 4));
    }
  }
}

/** Packets of different lengths: each begins in the lane behind the last block of the one before. */
function runPacked(jobs: usize, count: i32): void {
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
      const left = blocksOf(jobAt(jobs, i)) - block;
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
    runPass(owners, counters);
    addBlocks(jobs, first, firstBlock, lane);
  }
}

/** Adds the keystream of a pass to the data of packet `i`, from `block` on, and of those behind it. */
function addBlocks(jobs: usize, i: i32, block: i32, lanes: i32): void {
  let stream: usize = PASS_BLOCKS;
  const end = stream + (<usize>lanes << 4);
  for (; stream < end; i++, block = 0) stream = addStream(jobAt(jobs, i), block, stream, end);
}

/**
 * Adds keystream and the last round key to the data of a packet, from `block` on, until one of them ends.
 * @returns where the rest of the keystream begins
 */
// @ts-expect-error: decorator
@inline
function addStream(job: CipherJob, block: i32, stream: usize, streamEnd: usize): usize {
  const lastKey = v128.load(job.key, 160);
  const end = job.data + job.length;
  for (let data = job.data + (<usize>block << 4); data < end && stream < streamEnd; data += 16, stream += 16) {
    v128.store(data, v128.xor(v128.load(data), v128.xor(lastKey, v128.load(stream))));
  }
  return stream;
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
    store<u8>(JOB + offsetof<CipherJob>("ivHigh"), <u8>(done >> 4), 7);
    job.data = data + done;
    job.length = min(length - done, JOB_BYTES_MAX);
    aesCmGroup(JOB, 1);
  }
}

/** Forgets what keys have left in the kernels' own memory. */
export function wipeCipher(): void {
  wipeSpread();
  wipePass();
  wipeEven();
  memory.fill(JOB, 0, 32);
  memory.fill(CIPHER_JOBS, 0, 128);
}
