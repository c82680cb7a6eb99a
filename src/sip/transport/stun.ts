/**
 * STUN as a keep-alive over UDP (RFC 5626 §4.4.2, §8; RFC 5389): a peer asks which address we see it at, so that its NAT keeps the
 * binding and it learns of a new one. Binding requests are answered and nothing is kept; all else that is STUN is left alone. No answer is
 * larger than three times its request.
 */

import ipaddr from "ipaddr.js";

const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const BINDING_ERROR = 0x0111;
const ERROR_CODE = 0x0009;
const UNKNOWN_ATTRIBUTES = 0x000a;
const XOR_MAPPED_ADDRESS = 0x0020;
const FAMILY_IPV4 = 1;
const FAMILY_IPV6 = 2;
const MAGIC_COOKIE = 0x2112a442;
const HEADER_BYTES = 20;
/** Requests with more are no keep-alives. */
const REQUEST_BYTES_MAX = 548;
/** From here on attributes may be left out of account (§15). */
const OPTIONAL_FROM = 0x8000;
/** Credentials, which a keep-alive needs none of (RFC 5626 §8). */
const PASSED_OVER: ReadonlySet<number> = new Set([0x0006, 0x0008, 0x0014, 0x0015]);
/** Named in an error, all of them fit in twice the shortest request that has them. */
const UNKNOWN_MAX = 4;

/** True for what is STUN and can be no SIP: two zero bits, the cookie, a length that fits (§6). */
export function isStun(bytes: Uint8Array): boolean {
  if (bytes.length < HEADER_BYTES || bytes.length % 4 !== 0 || bytes[0]! > 0x3f) return false;
  const view = viewOf(bytes);
  return view.getUint32(4) === MAGIC_COOKIE && view.getUint16(2) === bytes.length - HEADER_BYTES;
}

/**
 * The answer to a binding request, undefined for anything else.
 * @param bytes - for which `isStun` is true
 * @param address - as it was seen, IPv4 or IPv6 without a prefix
 */
export function answerBinding(bytes: Uint8Array, address: string, port: number): Uint8Array | undefined {
  const view = viewOf(bytes);
  if (view.getUint16(0) !== BINDING_REQUEST || bytes.length > REQUEST_BYTES_MAX) return undefined;
  const unknown = unknownAttributes(view);
  if (unknown === undefined) return undefined;
  return unknown.length > 0 ? refusal(bytes, unknown) : success(bytes, address, port);
}

/** Types that have to be understood and are not; undefined when the attributes are malformed. */
function unknownAttributes(view: DataView): number[] | undefined {
  const unknown: number[] = [];
  for (let at = HEADER_BYTES; at < view.byteLength; ) {
    const type = view.getUint16(at);
    const next = at + 4 + Math.ceil(view.getUint16(at + 2) / 4) * 4;
    if (next > view.byteLength) return undefined;
    if (type < OPTIONAL_FROM && !PASSED_OVER.has(type) && unknown.length < UNKNOWN_MAX) unknown.push(type);
    at = next;
  }
  return unknown;
}

/** XOR-MAPPED-ADDRESS (§15.2), so that no NAT that knows too much rewrites what is told. */
function success(request: Uint8Array, address: string, port: number): Uint8Array {
  const octets = ipaddr.parse(address).toByteArray();
  const { answer, view } = begin(request, BINDING_SUCCESS, 8 + octets.length);
  view.setUint16(HEADER_BYTES, XOR_MAPPED_ADDRESS);
  view.setUint16(HEADER_BYTES + 2, 4 + octets.length);
  view.setUint16(HEADER_BYTES + 4, octets.length === 4 ? FAMILY_IPV4 : FAMILY_IPV6);
  view.setUint16(HEADER_BYTES + 6, port ^ (MAGIC_COOKIE >>> 16));
  // The cookie and the transaction id follow each other in the header.
  for (const [i, octet] of octets.entries()) answer[HEADER_BYTES + 8 + i] = octet ^ answer[4 + i]!;
  return answer;
}

/** 420 with the types (§7.3.1, §15.6, §15.9); the phrase is left out. */
function refusal(request: Uint8Array, unknown: readonly number[]): Uint8Array {
  const listBytes = Math.ceil(unknown.length / 2) * 4;
  const { answer, view } = begin(request, BINDING_ERROR, 12 + listBytes);
  view.setUint16(HEADER_BYTES, ERROR_CODE);
  view.setUint16(HEADER_BYTES + 2, 4);
  view.setUint16(HEADER_BYTES + 6, (4 << 8) | 20);
  view.setUint16(HEADER_BYTES + 8, UNKNOWN_ATTRIBUTES);
  view.setUint16(HEADER_BYTES + 10, unknown.length * 2);
  for (const [i, type] of unknown.entries()) view.setUint16(HEADER_BYTES + 12 + 2 * i, type);
  return answer;
}

/** Type, length, and the cookie and transaction id of the request. */
function begin(request: Uint8Array, type: number, attributeBytes: number): { answer: Uint8Array; view: DataView } {
  const answer = new Uint8Array(HEADER_BYTES + attributeBytes);
  const view = viewOf(answer);
  view.setUint16(0, type);
  view.setUint16(2, attributeBytes);
  answer.set(request.subarray(4, HEADER_BYTES), 4);
  return { answer, view };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
