/**
 * The quick path for what consumers send: `{"event":"media","streamSid":"…","media":{"payload":"<base64>"}}` in any order
 * of these keys and with any white space. It accepts only what it has read completely and is sure of; all else is
 * STATUS_SLOW_PATH, and a JSON parser decides.
 */

import { STATUS_SLOW_PATH } from "../abi";
import { base64Decode } from "./base64";

const QUOTE: u8 = 34;
const BACKSLASH: u8 = 92;

/** Reading position; the message is `[at, end)`. */
let at: usize = 0;
let end: usize = 0;
/** Start and length of the string that was read last. */
let textStart: usize = 0;
let textLength: i32 = 0;

function skipBlanks(): void {
  while (at < end) {
    const octet = load<u8>(at);
    if (octet !== 32 && octet !== 9 && octet !== 10 && octet !== 13) return;
    at++;
  }
}

/** Takes one octet after blanks. */
function take(octet: u8): bool {
  skipBlanks();
  if (at >= end || load<u8>(at) !== octet) return false;
  at++;
  return true;
}

/** Takes a string without escapes, control characters or octets above 126. */
function takeString(): bool {
  if (!take(QUOTE)) return false;
  textStart = at;
  while (at < end) {
    const octet = load<u8>(at);
    if (octet === QUOTE) {
      textLength = <i32>(at - textStart);
      at++;
      return true;
    }
    if (octet === BACKSLASH || octet < 32 || octet > 126) return false;
    at++;
  }
  return false;
}

const EVENT = memory.data<u8>([101, 118, 101, 110, 116]);
const MEDIA = memory.data<u8>([109, 101, 100, 105, 97]);
const STREAM_SID = memory.data<u8>([115, 116, 114, 101, 97, 109, 83, 105, 100]);
const PAYLOAD = memory.data<u8>([112, 97, 121, 108, 111, 97, 100]);

function isText(word: usize, length: i32): bool {
  return textLength === length && memory.compare(textStart, word, <usize>length) === 0;
}

/**
 * @param src - the message, `n` octets
 * @param dst - place for `dstMax` octets
 * @returns octets of mu-law, or STATUS_SLOW_PATH
 */
export function readMediaPayload(src: usize, n: i32, dst: usize, dstMax: i32): i32 {
  at = src;
  end = src + <usize>n;
  let sawEvent = false;
  let sawSid = false;
  let payload: usize = 0;
  let payloadLength: i32 = -1;
  if (!take(123)) return STATUS_SLOW_PATH;
  do {
    if (!takeString()) return STATUS_SLOW_PATH;
    if (isText(EVENT, 5)) {
      if (sawEvent || !take(58) || !takeString() || !isText(MEDIA, 5)) return STATUS_SLOW_PATH;
      sawEvent = true;
    } else if (isText(STREAM_SID, 9)) {
      if (sawSid || !take(58) || !takeString()) return STATUS_SLOW_PATH;
      sawSid = true;
    } else if (isText(MEDIA, 5)) {
      if (
        payloadLength >= 0 ||
        !take(58) ||
        !take(123) ||
        !takeString() ||
        !isText(PAYLOAD, 7) ||
        !take(58) ||
        !takeString()
      )
        return STATUS_SLOW_PATH;
      payload = textStart;
      payloadLength = textLength;
      if (!take(125)) return STATUS_SLOW_PATH;
    } else return STATUS_SLOW_PATH;
  } while (take(44));
  if (!take(125)) return STATUS_SLOW_PATH;
  skipBlanks();
  // Without a streamSid the message is executed too, with a warning that the slow path gives.
  if (at !== end || !sawEvent || !sawSid || payloadLength < 0) return STATUS_SLOW_PATH;
  if (((payloadLength + 3) >> 2) * 3 > dstMax) return STATUS_SLOW_PATH;
  const octets = base64Decode(payload, payloadLength, dst);
  return octets < 0 ? STATUS_SLOW_PATH : octets;
}
