/** Networks in virtual time: when each packet of a sender arrives, if it does. Repeatable by seed. */
import { seededRandom } from "./seeded-random.ts";

/** Added delay in ms of the packet sent at `sentMs`, or undefined for a lost one. */
export type Road = (index: number, sentMs: number) => number | undefined;

export interface Packet {
  readonly sequence: number;
  readonly timestamp: number;
  /** Place of its first sample in the sender's audio, and how many. */
  readonly at: number;
  readonly samples: number;
  readonly marker: boolean;
}

export interface Arrival extends Packet {
  readonly arrivalMs: number;
}

/** No delay, no loss. */
export const clear: Road = () => 0;

/** Every packet is lost with the same chance. */
export function randomLoss(share: number, seed = 1): Road {
  const random = seededRandom(seed);
  return () => (random() < share ? undefined : 0);
}

/**
 * Gilbert and Elliott's two states: a good one without loss and a bad one with.
 * @param share - mean loss
 * @param burst - mean packets of a bad state
 */
export function burstLoss(share: number, burst: number, seed = 1): Road {
  const random = seededRandom(seed);
  const leave = 1 / burst;
  const enter = (share * leave) / (1 - share);
  let bad = false;
  return () => {
    bad = bad ? random() >= leave : random() < enter;
    return bad ? undefined : 0;
  };
}

/** Every delay between 0 and `maxMs` alike; packets overtake each other. */
export function uniformJitter(maxMs: number, seed = 1): Road {
  const random = seededRandom(seed);
  return () => random() * maxMs;
}

/** A delay now and then, which the packets behind have to wait for. */
export function spikes(everyMs: number, heightMs: number, seed = 1): Road {
  const random = seededRandom(seed);
  let freeMs = 0;
  return (_index, sentMs) => {
    if (random() < 20 / everyMs) freeMs = Math.max(freeMs, sentMs + heightMs * (0.5 + 0.5 * random()));
    return Math.max(0, freeMs - sentMs) + random() * 2;
  };
}

/**
 * A Wi-Fi like road: the station sleeps or shares the air, and what was held back comes all at once. Gaps of up to
 * `gapMs`, about every `everyMs`, on top of some ms of jitter.
 */
export function wifi(everyMs: number, gapMs: number, seed = 1): Road {
  const random = seededRandom(seed);
  let untilMs = 0;
  let nextMs = everyMs * random();
  return (_index, sentMs) => {
    if (sentMs >= nextMs) {
      untilMs = sentMs + gapMs * random();
      nextMs = untilMs + 2 * everyMs * random();
    }
    return Math.max(untilMs - sentMs, 0) + 4 * random() ** 2;
  };
}

/** A share of the packets is held back long enough to be overtaken. */
export function reorder(share: number, heldMs: number, seed = 1): Road {
  const random = seededRandom(seed);
  return () => (random() < share ? heldMs : 0);
}

/** One road up to a moment, another between two, the first again behind. */
export function during(fromMs: number, toMs: number, inside: Road, outside: Road = clear): Road {
  return (index, sentMs) => (sentMs >= fromMs && sentMs < toMs ? inside : outside)(index, sentMs);
}

/** One road behind the other. */
export function both(first: Road, second: Road): Road {
  return (index, sentMs) => {
    const [a, b] = [first(index, sentMs), second(index, sentMs)];
    return a === undefined || b === undefined ? undefined : a + b;
  };
}

export interface SendOptions {
  /** Samples of a packet, or of each packet in turn. */
  readonly samples?: number | readonly number[];
  readonly firstSequence?: number;
  readonly firstTimestamp?: number;
  /** How fast the sender's clock is, parts per million. */
  readonly skewPpm?: number;
  readonly startMs?: number;
}

/** What a sender of `total` samples sends, as it arrives by `road`, in the order of arrival. */
export function send(total: number, road: Road, options: SendOptions = {}): { sent: Packet[]; arrivals: Arrival[] } {
  const { samples = 160, firstSequence = 65_000, firstTimestamp = 0xfffff000, skewPpm = 0, startMs = 3 } = options;
  const sizes = typeof samples === "number" ? [samples] : samples;
  const sent: Packet[] = [];
  const arrivals: Arrival[] = [];
  for (let at = 0, index = 0; ; index++) {
    const size = sizes[index % sizes.length]!;
    if (at + size > total) break;
    const packet = {
      sequence: (firstSequence + index) & 0xffff,
      timestamp: (firstTimestamp + at) >>> 0,
      at,
      samples: size,
      marker: index === 0,
    };
    sent.push(packet);
    const sentMs = startMs + (at + size) / 8 / (1 + skewPpm / 1e6);
    const delayMs = road(index, sentMs);
    if (delayMs !== undefined) arrivals.push({ ...packet, arrivalMs: sentMs + delayMs });
    at += size;
  }
  return { sent, arrivals: arrivals.sort((a, b) => a.arrivalMs - b.arrivalMs) };
}
