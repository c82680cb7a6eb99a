/**
 * Key presses as telephone-event (RFC 4733): received once each however mangled, and sent as DTMF-2 says. Events 0 to 15
 * are keys; others are ignored.
 */

const PAYLOAD_BYTES: i32 = 4;
const KEYS: u32 = 16;
const END_BIT: u32 = 0x80;

// Receiver: whether an event is known, its timestamp, its code, the duration that was seen last, whether it has ended.
export const DTMF_RECEIVER_BYTES: i32 = 24;
const RX_ACTIVE: usize = 0;
const RX_TIMESTAMP: usize = 4;
const RX_EVENT: usize = 8;
const RX_DURATION: usize = 12;
const RX_ENDED: usize = 16;

export function dtmfReset(state: usize): void {
  memory.fill(state, 0, <usize>DTMF_RECEIVER_BYTES);
}

/**
 * Takes one event packet.
 * @returns the key (0 to 9, 10 `*`, 11 `#`, 12 to 15 A to D) when this is the first sign of a new press, else -1
 */
export function dtmfReceive(state: usize, timestamp: u32, payload: usize, n: i32): i32 {
  if (n < PAYLOAD_BYTES) return -1;
  const event = <u32>load<u8>(payload);
  if (event >= KEYS) return -1;
  const flags = <u32>load<u8>(payload + 1);
  const duration = <u32>bswap<u16>(load<u16>(payload + 2));
  if (load<i32>(state, RX_ACTIVE) !== 0) {
    const known = load<u32>(state, RX_TIMESTAMP);
    const age = <i32>(timestamp - known);
    // The same event, or a packet of an older one that comes late.
    if (age === 0) {
      if (duration > load<u32>(state, RX_DURATION)) store<u32>(state, duration, RX_DURATION);
      if ((flags & END_BIT) !== 0) store<i32>(state, 1, RX_ENDED);
      return -1;
    }
    if (age < 0 && age > -0x10000) return -1;
    // A long event goes on in a segment that begins where the last one ended (§2.5.1.3): no new press.
    const lastDuration = load<u32>(state, RX_DURATION);
    const continues =
      load<i32>(state, RX_ENDED) === 0 &&
      event === load<u32>(state, RX_EVENT) &&
      lastDuration >= 0xf000 &&
      <u32>age >= lastDuration &&
      <u32>age <= 0x10000;
    if (continues) {
      store<u32>(state, timestamp, RX_TIMESTAMP);
      store<u32>(state, duration, RX_DURATION);
      store<i32>(state, (flags & END_BIT) !== 0 ? 1 : 0, RX_ENDED);
      return -1;
    }
  }
  store<i32>(state, 1, RX_ACTIVE);
  store<u32>(state, timestamp, RX_TIMESTAMP);
  store<u32>(state, event, RX_EVENT);
  store<u32>(state, duration, RX_DURATION);
  store<i32>(state, (flags & END_BIT) !== 0 ? 1 : 0, RX_ENDED);
  return <i32>event;
}

// Sender: event, start timestamp, whole duration, duration sent so far, end packets still to send, active.
export const DTMF_SENDER_BYTES: i32 = 24;
const TX_ACTIVE: usize = 0;
const TX_EVENT: usize = 4;
const TX_TIMESTAMP: usize = 8;
const TX_DURATION: usize = 12;
const TX_SENT: usize = 16;
const TX_ENDS: usize = 20;

const STEP_SAMPLES: u32 = 160;
const END_PACKETS: i32 = 3;
const VOLUME: u32 = 10;

/** Flags of a step. */
export const DTMF_STEP_MARKER: i32 = 1;
export const DTMF_STEP_MORE: i32 = 2;

/** Begins a press; every packet of it carries `timestamp`. */
export function dtmfSendBegin(state: usize, event: i32, timestamp: u32, durationSamples: i32): void {
  store<i32>(state, 1, TX_ACTIVE);
  store<u32>(state, <u32>event, TX_EVENT);
  store<u32>(state, timestamp, TX_TIMESTAMP);
  store<u32>(state, min<u32>(<u32>durationSamples, 0xffff), TX_DURATION);
  store<u32>(state, 0, TX_SENT);
  store<i32>(state, END_PACKETS, TX_ENDS);
}

/** Timestamp of the press that is being sent. */
export function dtmfSendTimestamp(state: usize): u32 {
  return load<u32>(state, TX_TIMESTAMP);
}

/**
 * Writes the payload (4 octets) of the next packet, one for each 20 ms; the last three carry the end bit.
 * @returns DTMF_STEP_MARKER on the first, DTMF_STEP_MORE while others follow, -1 when nothing is being sent
 */
export function dtmfSendStep(state: usize, out: usize): i32 {
  if (load<i32>(state, TX_ACTIVE) === 0) return -1;
  const total = load<u32>(state, TX_DURATION);
  const sent = load<u32>(state, TX_SENT);
  const flags: i32 = sent === 0 ? DTMF_STEP_MARKER : 0;
  const duration = min<u32>(sent + STEP_SAMPLES, total);
  const ending = duration === total;
  store<u32>(state, duration, TX_SENT);
  store<u8>(out, <u8>load<u32>(state, TX_EVENT));
  store<u8>(out + 1, <u8>(ending ? END_BIT | VOLUME : VOLUME));
  store<u16>(out + 2, bswap<u16>(<u16>duration));
  if (!ending) return flags | DTMF_STEP_MORE;
  const ends = load<i32>(state, TX_ENDS) - 1;
  store<i32>(state, ends, TX_ENDS);
  if (ends > 0) return flags | DTMF_STEP_MORE;
  store<i32>(state, 0, TX_ACTIVE);
  return flags;
}
