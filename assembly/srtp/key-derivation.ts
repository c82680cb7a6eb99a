/**
 * Session keys from the master key and salt (RFC 3711 §4.3), with a key derivation rate of 0: they are derived once.
 */
import { aesEncrypt, aesExpandKey, SCHEDULE_BYTES } from "../kernels/aes";

/** Octets of a master key and of the salt that follows it, as `a=crypto` carries them (RFC 4568 §6.1). */
export const MASTER_KEY_BYTES: i32 = 16;
export const MASTER_SALT_BYTES: i32 = 14;
/** Octets of session keys and salts. */
export const CIPHER_KEY_BYTES: i32 = 16;
export const AUTH_KEY_BYTES: i32 = 20;
export const SALT_BYTES: i32 = 14;

/** Labels (RFC 3711 §4.3.1 and §4.3.2). SRTCP has the same three, LABEL_SRTCP further. */
export const LABEL_CIPHER: i32 = 0;
export const LABEL_AUTH: i32 = 1;
export const LABEL_SALT: i32 = 2;
export const LABEL_SRTCP: i32 = 3;

/** Expanded master key and the counter block; wiped after each use. */
const MASTER_SCHEDULE = memory.data(176, 16);
const COUNTER_BLOCK = memory.data(16, 16);

/**
 * Derives one key: AES-CM keystream under the master key, from x = (label * 2^48) xor salt, shifted left by 16 bits.
 * @param keySalt 16 octets of master key, then 14 of master salt
 * @param output where `length` octets go, at most 4096, and up to 15 more are changed
 */
export function deriveKey(keySalt: usize, label: i32, output: usize, length: i32): void {
  aesExpandKey(MASTER_SCHEDULE, keySalt);
  memory.copy(COUNTER_BLOCK, keySalt + MASTER_KEY_BYTES, MASTER_SALT_BYTES);
  store<u16>(COUNTER_BLOCK, 0, 14);
  store<u8>(COUNTER_BLOCK, load<u8>(COUNTER_BLOCK, 7) ^ label, 7);
  for (let done = 0; done < length; done += 16) {
    store<u8>(COUNTER_BLOCK, <u8>(done >> 4), 15);
    aesEncrypt(MASTER_SCHEDULE, COUNTER_BLOCK, output + done);
  }
  memory.fill(MASTER_SCHEDULE, 0, SCHEDULE_BYTES);
  memory.fill(COUNTER_BLOCK, 0, 16);
}
