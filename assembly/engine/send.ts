/**
 * The way out: room for a datagram in the out area, its entry in the out table, and the protection of all that was
 * added since the last `flush`, in groups of four under four keys (wasm-kernels.md 3).
 */

import {
  FLAG_RTCP_MUX,
  OUT_ADDRESS,
  OUT_COMPONENT,
  OUT_ENTRY_BYTES,
  OUT_LEG,
  OUT_LENGTH,
  OUT_POINTER,
  OUT_PORT,
  PACKET_SLACK_BYTES,
  STATE_OUT_COUNT,
  STATE_OUT_DROPPED,
} from "../abi";
import {
  OUT,
  OUT_COUNT_MAX,
  OUT_END,
  OUT_ENTRIES,
  PROTECT_ENTRIES,
  PROTECT_ITEMS,
  SRTP_ITEM_BYTES,
  STATE,
} from "../memory";
import { protectRtcp, protectRtp } from "../srtp/transform";
import { copyAddress, Leg, rtcpAddress, rtpAddress, sendSession } from "./leg";

/** First free octet of the out area; only good while there are entries. */
let free: usize = 0;
let itemCount: i32 = 0;

/** Octets that one datagram may take beside its slack. */
function reserved(length: i32): usize {
  return <usize>((length + PACKET_SLACK_BYTES + 15) & ~15);
}

function firstFree(): usize {
  // The other side has fetched everything: begin at the front.
  if (load<i32>(STATE + STATE_OUT_COUNT) == 0) free = OUT;
  return free;
}

/** True when `count` datagrams of up to `length` octets can be added. */
export function hasOutRoom(count: i32, length: i32): bool {
  return (
    firstFree() + <usize>count * reserved(length) <= OUT_END &&
    load<i32>(STATE + STATE_OUT_COUNT) + count <= OUT_COUNT_MAX
  );
}

/** Where the next datagram is to be written, or 0 (counted) when there is no room for `length` octets. */
export function outPlace(length: i32): usize {
  if (hasOutRoom(1, length)) return free;
  store<u32>(STATE + STATE_OUT_DROPPED, load<u32>(STATE + STATE_OUT_DROPPED) + 1);
  return 0;
}

function append(leg: Leg, component: i32, packet: usize, length: i32, address: usize, port: i32): usize {
  const count = load<i32>(STATE + STATE_OUT_COUNT);
  const entry = OUT_ENTRIES + <usize>(count * OUT_ENTRY_BYTES);
  store<i32>(entry + OUT_LEG, leg.slot);
  store<i32>(entry + OUT_COMPONENT, component);
  store<u32>(entry + OUT_POINTER, packet);
  store<i32>(entry + OUT_LENGTH, length);
  store<i32>(entry + OUT_PORT, port);
  copyAddress(entry + OUT_ADDRESS, address);
  store<i32>(STATE + STATE_OUT_COUNT, count + 1);
  free = packet + reserved(length);
  return entry;
}

/** Adds the RTP packet that was written at `outPlace`; it is protected by the next `flush`. Counts it for reports. */
export function sendRtp(leg: Leg, packet: usize, length: i32, payloadBytes: i32): void {
  const entry = append(leg, 0, packet, length, rtpAddress(leg), leg.rtpPort);
  leg.packetsSent++;
  leg.octetsSent += <f64>payloadBytes;
  if (leg.sendTagBytes == 0) return;
  const item = PROTECT_ITEMS + <usize>(itemCount * SRTP_ITEM_BYTES);
  store<u32>(item, sendSession(leg));
  store<u32>(item, packet, 4);
  store<i32>(item, length, 8);
  store<u32>(PROTECT_ENTRIES + <usize>(itemCount << 2), entry);
  itemCount++;
}

/** Adds the compound RTCP packet that was written at `outPlace`, protected at once. */
export function sendRtcp(leg: Leg, packet: usize, length: i32): void {
  const octets = leg.sendTagBytes == 0 ? length : protectRtcp(sendSession(leg), packet, length);
  if (octets <= 0) return;
  if (leg.flags & FLAG_RTCP_MUX) append(leg, 0, packet, octets, rtpAddress(leg), leg.rtpPort);
  else append(leg, 1, packet, octets, rtcpAddress(leg), leg.rtcpPort);
}

/** Protects what was added. A packet that cannot be (key used up) gets length 0 and is not sent. */
export function flush(): void {
  if (itemCount == 0) return;
  const count = itemCount;
  itemCount = 0;
  protectRtp(PROTECT_ITEMS, count);
  for (let index = 0; index < count; index++) {
    const length = load<i32>(PROTECT_ITEMS + <usize>(index * SRTP_ITEM_BYTES), 8);
    const entry = load<u32>(PROTECT_ENTRIES + <usize>(index << 2));
    store<i32>(entry + OUT_LENGTH, max<i32>(0, length));
  }
}

/** After a trap: what was added and not protected must never leave. */
export function discardUnprotected(): void {
  for (let index = 0; index < itemCount; index++)
    store<i32>(load<u32>(PROTECT_ENTRIES + <usize>(index << 2)) + OUT_LENGTH, 0);
  itemCount = 0;
}
