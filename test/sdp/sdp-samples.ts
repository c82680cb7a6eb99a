/** Descriptions and keys that the SDP tests share. */

import type { LocalMedia } from "../../src/sdp/offer-answer.ts";

export const KEY_A = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";
export const KEY_B = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";

/** Lines joined and ended by CRLF. */
export function sdp(...lines: string[]): string {
  return `${lines.join("\r\n")}\r\n`;
}

/** A remote description: session lines, then these. */
export function remote(...mediaLines: string[]): string {
  return sdp("v=0", "o=peer 7 1 IN IP4 192.0.2.7", "s=-", "c=IN IP4 192.0.2.7", "t=0 0", ...mediaLines);
}

export function local(changes: Partial<LocalMedia> = {}): LocalMedia {
  return { address: "203.0.113.5", rtpPort: 20000, security: "none", sessionId: "4711", ...changes };
}

/** Counting "randomness": every key differs, every run is the same. */
export function countingBytes(): (length: number) => Uint8Array {
  let next = 1;
  return (length) => new Uint8Array(length).fill(next++);
}

/** The crypto lines that rtpengine offers by default, in its order: AES_CM_128_HMAC_SHA1_80 has tag 7. */
export const RTPENGINE_CRYPTO = [
  ["1", "AEAD_AES_256_GCM", 59],
  ["2", "AEAD_AES_128_GCM", 38],
  ["3", "AES_256_CM_HMAC_SHA1_80", 62],
  ["4", "AES_256_CM_HMAC_SHA1_32", 62],
  ["5", "AES_192_CM_HMAC_SHA1_80", 51],
  ["6", "AES_192_CM_HMAC_SHA1_32", 51],
  ["7", "AES_CM_128_HMAC_SHA1_80", 40],
  ["8", "AES_CM_128_HMAC_SHA1_32", 40],
  ["9", "F8_128_HMAC_SHA1_80", 40],
  ["10", "F8_128_HMAC_SHA1_32", 40],
  ["11", "NULL_HMAC_SHA1_80", 40],
  ["12", "NULL_HMAC_SHA1_32", 40],
].map(([tag, suite, length]) => `a=crypto:${tag} ${suite} inline:${"A".repeat(Number(length))}`);
