/**
 * The quick path for what consumers send: `{"event":"media","streamSid":"…","media":{"payload":"<base64>"}}` in any order
 * of these keys and with any white space. It accepts only what it has read completely and is sure of; all else is
 * STATUS_SLOW_PATH, and a JSON parser decides. The pairs are looked for whole, as JSON.stringify and Python's json.dumps
 * write them, before they are read token by token.
 */

import { STATUS_SLOW_PATH } from "../abi";
import { base64Read, base64Stop } from "./base64";

const QUOTE: u8 = 34;
const BACKSLASH: u8 = 92;
const COLON: u8 = 58;
const COMMA: u8 = 44;
const OPEN: u8 = 123;
const CLOSE: u8 = 125;

/** Reading position; the message is `[at, end)`. */
let at: usize = 0;
let end: usize = 0;
/** Start and length of the string that was read last. */
let textStart: usize = 0;
let textLength: i32 = 0;

const QUOTES = memory.data(16, 16);
const BACKSLASHES = memory.data(16, 16);
const BLANKS = memory.data(16, 16);
v128.store(QUOTES, i8x16.splat(<i8>QUOTE));
v128.store(BACKSLASHES, i8x16.splat(<i8>BACKSLASH));
v128.store(BLANKS, i8x16.splat(32));

/** `"event":"media"` and `"event": "media"` */
const EVENT_PAIR = memory.data<u8>([34, 101, 118, 101, 110, 116, 34, 58, 34, 109, 101, 100, 105, 97, 34]);
const EVENT_PAIR_SPACED = memory.data<u8>([34, 101, 118, 101, 110, 116, 34, 58, 32, 34, 109, 101, 100, 105, 97, 34]);
/** `"streamSid":"` and `"streamSid": "` */
const SID_PAIR = memory.data<u8>([34, 115, 116, 114, 101, 97, 109, 83, 105, 100, 34, 58, 34]);
const SID_PAIR_SPACED = memory.data<u8>([34, 115, 116, 114, 101, 97, 109, 83, 105, 100, 34, 58, 32, 34]);
/** `"media":{"payload":"` and `"media": {"payload": "` */
const MEDIA_PAIR = memory.data<u8>([
  34, 109, 101, 100, 105, 97, 34, 58, 123, 34, 112, 97, 121, 108, 111, 97, 100, 34, 58, 34,
]);
const MEDIA_PAIR_SPACED = memory.data<u8>([
  34, 109, 101, 100, 105, 97, 34, 58, 32, 123, 34, 112, 97, 121, 108, 111, 97, 100, 34, 58, 32, 34,
]);
const EVENT = memory.data<u8>([101, 118, 101, 110, 116]);
const MEDIA = memory.data<u8>([109, 101, 100, 105, 97]);
const STREAM_SID = memory.data<u8>([115, 116, 114, 101, 97, 109, 83, 105, 100]);
const PAYLOAD = memory.data<u8>([112, 97, 121, 108, 111, 97, 100]);

/** True when the `length` octets (8 or more) at `a` and `b` are the same. */
function isSame(a: usize, b: usize, length: usize): bool {
  for (let i: usize = 0; i + 8 < length; i += 8) if (load<u64>(a + i) != load<u64>(b + i)) return false;
  return load<u64>(a + length - 8) == load<u64>(b + length - 8);
}

/** Takes `word`, of 8 octets or more, as it stands. */
// @ts-expect-error: decorator
@inline
function takeWhole(word: usize, length: usize): bool {
  if (at + length > end || !isSame(at, word, length)) return false;
  at += length;
  return true;
}

function skipBlanks(): void {
  while (at < end) {
    const octet = load<u8>(at);
    if (octet !== 32 && octet !== 9 && octet !== 10 && octet !== 13) return;
    at++;
  }
}

/** Takes one octet after blanks. */
function take(octet: u8): bool {
  if (at < end && load<u8>(at) === octet) {
    at++;
    return true;
  }
  skipBlanks();
  if (at >= end || load<u8>(at) !== octet) return false;
  at++;
  return true;
}

/** Takes a string without escapes, control characters or octets above 127. */
function takeString(): bool {
  return take(QUOTE) && finishString();
}

/** The same from behind its first quote. */
function finishString(): bool {
  textStart = at;
  while (at + 16 <= end) {
    const text = v128.load(at);
    // Octets above 127 are negative and so below a blank.
    const stops = v128.or(
      v128.or(i8x16.eq(text, v128.load(QUOTES)), i8x16.eq(text, v128.load(BACKSLASHES))),
      i8x16.lt_s(text, v128.load(BLANKS)),
    );
    const places = i8x16.bitmask(stops);
    if (places != 0) {
      at += <usize>ctz<i32>(places);
      break;
    }
    at += 16;
  }
  for (; at < end; at++) {
    const octet = load<u8>(at);
    if (octet === QUOTE) {
      textLength = <i32>(at - textStart);
      at++;
      return true;
    }
    if (octet === BACKSLASH || octet < 32 || octet > 127) return false;
  }
  return false;
}

function isText(word: usize, length: i32): bool {
  if (textLength !== length) return false;
  for (let i: usize = 0; i < <usize>length; i++) if (load<u8>(textStart + i) !== load<u8>(word + i)) return false;
  return true;
}

/** Octets that the payload had, once it was read. */
let payloadOctets: i32 = -1;

/** Reads a payload from behind its first quote to behind the brace that closes `media`. */
function takePayload(dst: usize, dstMax: i32): bool {
  if (payloadOctets >= 0) return false;
  payloadOctets = base64Read(at, end, dst, dst + <usize>dstMax, true);
  if (payloadOctets < 0) return false;
  at = base64Stop;
  if (at >= end || load<u8>(at) !== QUOTE) return false;
  at++;
  return take(CLOSE);
}

/**
 * @param src - the message, `n` octets
 * @param sid - the streamSid that the message has to name, `sidLength` octets; a negative length takes any
 * @param dst - place for `dstMax` octets; written to even if the message is refused in the end
 * @returns octets of mu-law, or STATUS_SLOW_PATH
 */
export function readMediaPayload(src: usize, n: i32, sid: usize, sidLength: i32, dst: usize, dstMax: i32): i32 {
  at = src;
  end = src + <usize>max<i32>(n, 0);
  payloadOctets = -1;
  let sawEvent = false;
  let sawSid = false;
  if (!take(OPEN)) return STATUS_SLOW_PATH;
  do {
    skipBlanks();
    if (takeWhole(EVENT_PAIR, 15) || takeWhole(EVENT_PAIR_SPACED, 16)) {
      if (sawEvent) return STATUS_SLOW_PATH;
      sawEvent = true;
    } else if (takeWhole(SID_PAIR, 13) || takeWhole(SID_PAIR_SPACED, 14)) {
      if (sawSid || !finishString() || !isWanted(sid, sidLength)) return STATUS_SLOW_PATH;
      sawSid = true;
    } else if (takeWhole(MEDIA_PAIR, 20) || takeWhole(MEDIA_PAIR_SPACED, 22)) {
      if (!takePayload(dst, dstMax)) return STATUS_SLOW_PATH;
    } else {
      if (!takeString()) return STATUS_SLOW_PATH;
      if (isText(EVENT, 5)) {
        if (sawEvent || !take(COLON) || !takeString() || !isText(MEDIA, 5)) return STATUS_SLOW_PATH;
        sawEvent = true;
      } else if (isText(STREAM_SID, 9)) {
        if (sawSid || !take(COLON) || !takeString() || !isWanted(sid, sidLength)) return STATUS_SLOW_PATH;
        sawSid = true;
      } else if (isText(MEDIA, 5)) {
        if (!take(COLON) || !take(OPEN) || !takeString() || !isText(PAYLOAD, 7)) return STATUS_SLOW_PATH;
        if (!take(COLON) || !take(QUOTE) || !takePayload(dst, dstMax)) return STATUS_SLOW_PATH;
      } else return STATUS_SLOW_PATH;
    }
  } while (take(COMMA));
  if (!take(CLOSE)) return STATUS_SLOW_PATH;
  skipBlanks();
  // Without a streamSid the message is executed too, with a warning that the slow path gives.
  return at === end && sawEvent && sawSid && payloadOctets >= 0 ? payloadOctets : STATUS_SLOW_PATH;
}

/** The string that was read last is the streamSid that was asked for. */
function isWanted(sid: usize, sidLength: i32): bool {
  if (sidLength < 0) return true;
  if (sidLength >= 8) return textLength === sidLength && isSame(textStart, sid, <usize>sidLength);
  return isText(sid, sidLength);
}
