/**
 * Key presses as telephone-event (RFC 4733): received once each however mangled, and sent as DTMF-2 says. Events 0 to 15
 * are keys; others are ignored.
 */

const PAYLOAD_BYTES: i32 = 4;
const KEYS: u32 = 16;
const END_BIT: u32 = 0x80;

// Receiver: the presses (or segments of long ones) that were heard last, in a ring; the next free place, how many.
const PRESSES: i32 = 8;
const PRESS_BYTES: i32 = 20;
export const DTMF_RECEIVER_BYTES: i32 = 8 + PRESSES * PRESS_BYTES;
const RX_NEXT: usize = 0;
const RX_COUNT: usize = 4;
const RX_FIRST: usize = 8;
// One press: its timestamp, key, longest duration, whether an end was seen, highest extended sequence number.
const PRESS_TIMESTAMP: usize = 0;
const PRESS_EVENT: usize = 4;
const PRESS_DURATION: usize = 8;
const PRESS_ENDED: usize = 12;
const PRESS_SEQUENCE: usize = 16;

/** A segment of a long press is as long as the duration field allows, or nearly (§2.5.1.3). */
const SEGMENT_SAMPLES_MIN: u32 = 0xf000;
const SEGMENT_SAMPLES_MAX: u32 = 0x10000;
/** What may have been lost of its end. */
const SEGMENT_LOST_SAMPLES: u32 = 0x2000;
/** Senders that wrongly move the timestamp of a press with each packet: a step, and the furthest between two. */
const MOVING_STEP_SAMPLES: i32 = 160;
const MOVING_SAMPLES_MAX: i32 = 0x1000;
/** Packets between the repeats of an end, and after which an end under a known timestamp is another press. */
const END_REPEAT_PACKETS: i32 = 2;
const END_STALE_PACKETS: i32 = 50;

export function dtmfReset(state: usize): void {
  memory.fill(state, 0, <usize>DTMF_RECEIVER_BYTES);
}

/**
 * Takes one event packet. The first packet that proves a press tells it, whichever that is: presses are known by their
 * timestamp, so lost, repeated and reordered packets tell nothing twice. A duration of 0 proves nothing yet (§2.3.5
 * keeps it for states; many senders begin with it).
 * @param sequence - extended sequence number
 * @returns the key (0 to 9, 10 `*`, 11 `#`, 12 to 15 A to D) when this is the first sign of a new press, else -1
 */
export function dtmfReceive(state: usize, sequence: i32, timestamp: u32, marker: i32, payload: usize, n: i32): i32 {
  if (n < PAYLOAD_BYTES) return -1;
  const event = <u32>load<u8>(payload);
  if (event >= KEYS) return -1;
  const ends = (<u32>load<u8>(payload + 1) & END_BIT) !== 0;
  const duration = <u32>bswap<u16>(load<u16>(payload + 2));
  if (duration === 0) return -1;
  const count = load<i32>(state, RX_COUNT);
  for (let back: i32 = 1; back <= count; back++) {
    const press = pressAt(state, back);
    if (load<u32>(press, PRESS_TIMESTAMP) !== timestamp || load<u32>(press, PRESS_EVENT) !== event) continue;
    if (!reusesTimestamp(press, sequence, marker, duration, ends)) {
      heard(press, sequence, duration, ends);
      return -1;
    }
    begin(state, sequence, timestamp, event, duration, ends);
    return <i32>event;
  }
  if (count > 0) {
    const last = pressAt(state, 1);
    if (load<u32>(last, PRESS_EVENT) === event && marker === 0) {
      if (movesTimestamp(last, sequence, timestamp, duration, ends)) {
        store<u32>(last, timestamp, PRESS_TIMESTAMP);
        heard(last, sequence, duration, ends);
        return -1;
      }
      if (continues(last, sequence, timestamp)) {
        begin(state, sequence, timestamp, event, duration, ends);
        return -1;
      }
    }
    // So old that its press may have been forgotten: rather none than twice.
    if (count === PRESSES && sequence - load<i32>(pressAt(state, count), PRESS_SEQUENCE) < 0) return -1;
  }
  begin(state, sequence, timestamp, event, duration, ends);
  return <i32>event;
}

/** The press that was heard `back` presses ago; 1 is the last. */
function pressAt(state: usize, back: i32): usize {
  const index = (load<i32>(state, RX_NEXT) - back + PRESSES) % PRESSES;
  return state + RX_FIRST + <usize>(index * PRESS_BYTES);
}

function begin(state: usize, sequence: i32, timestamp: u32, event: u32, duration: u32, ends: bool): void {
  const next = load<i32>(state, RX_NEXT);
  const press = state + RX_FIRST + <usize>(next * PRESS_BYTES);
  store<u32>(press, timestamp, PRESS_TIMESTAMP);
  store<u32>(press, event, PRESS_EVENT);
  store<u32>(press, duration, PRESS_DURATION);
  store<i32>(press, ends ? 1 : 0, PRESS_ENDED);
  store<i32>(press, sequence, PRESS_SEQUENCE);
  store<i32>(state, (next + 1) % PRESSES, RX_NEXT);
  store<i32>(state, min<i32>(load<i32>(state, RX_COUNT) + 1, PRESSES), RX_COUNT);
}

function heard(press: usize, sequence: i32, duration: u32, ends: bool): void {
  if (duration > load<u32>(press, PRESS_DURATION)) store<u32>(press, duration, PRESS_DURATION);
  if (ends) store<i32>(press, 1, PRESS_ENDED);
  if (sequence - load<i32>(press, PRESS_SEQUENCE) > 0) store<i32>(press, sequence, PRESS_SEQUENCE);
}

/** A sender that does not move its timestamp: the duration begins again in a later packet, or an end comes long after. */
function reusesTimestamp(press: usize, sequence: i32, marker: i32, duration: u32, ends: bool): bool {
  const later = sequence - load<i32>(press, PRESS_SEQUENCE);
  if (later <= 0) return false;
  const ended = load<i32>(press, PRESS_ENDED) !== 0;
  if (duration < load<u32>(press, PRESS_DURATION)) return (ended && !ends) || (marker !== 0 && !ends);
  return ended && later > END_STALE_PACKETS;
}

/** A sender that moves the timestamp with every packet of a press: it moved as far as the duration grew. */
function movesTimestamp(press: usize, sequence: i32, timestamp: u32, duration: u32, ends: bool): bool {
  const age = <i32>(timestamp - load<u32>(press, PRESS_TIMESTAMP));
  const later = sequence - load<i32>(press, PRESS_SEQUENCE);
  if (age <= 0 || age > MOVING_SAMPLES_MAX || later <= 0) return false;
  const longer = <i32>duration - <i32>load<u32>(press, PRESS_DURATION);
  if (load<i32>(press, PRESS_ENDED) !== 0) return ends && longer === 0 && later <= END_REPEAT_PACKETS;
  return longer >= 0 && abs<i32>(age - longer) <= MOVING_STEP_SAMPLES;
}

/** A long press goes on in a segment that begins where the last one ended (§2.5.1.3): no new press. */
function continues(press: usize, sequence: i32, timestamp: u32): bool {
  if (load<i32>(press, PRESS_ENDED) !== 0 || sequence - load<i32>(press, PRESS_SEQUENCE) <= 0) return false;
  const age = timestamp - load<u32>(press, PRESS_TIMESTAMP);
  const duration = load<u32>(press, PRESS_DURATION);
  return (
    age >= SEGMENT_SAMPLES_MIN &&
    age <= SEGMENT_SAMPLES_MAX &&
    age >= duration &&
    age - duration <= SEGMENT_LOST_SAMPLES
  );
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
