/**
 * Tandem and libsrtp exchange packets both ways over a bad network: the same packets, octet by octet, from both senders,
 * and the same verdict of both receivers on everything that arrives, lost, late, out of order, doubled or forged.
 */

import { askLibsrtp, type Request } from "./libsrtp-peer.ts";
import { Random, rtpPacket, type SrtpBench } from "./srtp-bench.ts";

export interface ExchangePlan {
  readonly tagBytes: 10 | 4;
  /** RTP packets each sender makes. */
  readonly packets: number;
  /** How often the sequence number wraps. */
  readonly wraps: number;
  readonly seed: number;
}

export interface ExchangeReport {
  readonly sent: number;
  readonly arrived: number;
  readonly accepted: number;
  readonly refused: number;
  /** Rollover counter of the receiver at the end. */
  readonly rollovers: number;
  readonly rtcpSent: number;
  readonly rtcpAccepted: number;
  readonly rtcpRefused: number;
}

const SSRC = 0x5eed5eed;

/** What arrives: index of a sent packet, and whether one of its bits was turned. */
interface Arrival {
  readonly index: number;
  readonly forgedBit: number;
}

/**
 * @throws Error that names the first packet on which the two do not agree
 */
export function exchange(bench: SrtpBench, plan: ExchangePlan): ExchangeReport {
  const random = new Random(plan.seed);
  const keySalt = random.octets(30);
  const plain = makeRtp(random, plan);
  const rtcpPlain = Array.from({ length: plan.packets / 50 }, () => rtcpPacket(random));

  const sender = bench.open(keySalt, plan.tagBytes);
  const ours = inBatches(plain, (batch) =>
    bench.protectRtp(batch.map((packet) => ({ session: sender, packet }))).map((outcome) => outcome.packet),
  );
  const rtcpOurs = rtcpPlain.map((packet) => bench.protectRtcp(sender, packet).packet);

  const arrivals = network(random, ours.length);
  const rtcpArrivals = network(random, rtcpOurs.length);
  const requests: Request[] = [
    ...plain.map((packet): Request => ["P", packet]),
    ...rtcpPlain.map((packet): Request => ["p", packet]),
    ...arrivals.map((arrival): Request => ["U", arrived(ours, arrival)]),
    ...rtcpArrivals.map((arrival): Request => ["u", arrived(rtcpOurs, arrival)]),
  ];
  const answers = askLibsrtp(keySalt, plan.tagBytes, requests);
  let at = 0;
  for (const [n, packet] of [...ours, ...rtcpOurs].entries()) mustEqual(packet, answers[at++], `sent packet ${n}`);

  const receiver = bench.open(keySalt, plan.tagBytes);
  const heard = inBatches(
    arrivals.map((arrival) => arrived(ours, arrival)),
    (batch) =>
      bench
        .unprotectRtp(batch.map((packet) => ({ session: receiver, packet })))
        .map(({ length, packet }) => (length < 0 ? undefined : packet)),
  );
  for (const [n, packet] of heard.entries()) {
    mustEqual(packet, answers[at++], `arrival ${n}`);
    if (packet !== undefined) mustEqual(packet, plain[arrivals[n]!.index], `arrival ${n} decrypted`);
  }
  const rtcpHeard = rtcpArrivals.map((arrival, n) => {
    const { length, packet } = bench.unprotectRtcp(receiver, arrived(rtcpOurs, arrival));
    const got = length < 0 ? undefined : packet;
    mustEqual(got, answers[at++], `RTCP arrival ${n}`);
    if (got !== undefined) mustEqual(got, rtcpPlain[arrival.index], `RTCP arrival ${n} decrypted`);
    return got;
  });

  const accepted = heard.filter((packet) => packet !== undefined).length;
  const rtcpAccepted = rtcpHeard.filter((packet) => packet !== undefined).length;
  return {
    sent: ours.length,
    arrived: arrivals.length,
    accepted,
    refused: arrivals.length - accepted,
    rollovers: bench.wasm.call["srtpRoc"]!(receiver, SSRC),
    rtcpSent: rtcpOurs.length,
    rtcpAccepted,
    rtcpRefused: rtcpArrivals.length - rtcpAccepted,
  };
}

/** Sequence numbers go up in steps that make the wanted number of wraps, and not one less. */
function makeRtp(random: Random, plan: ExchangePlan): Buffer[] {
  const start = 64_000;
  const span = plan.wraps * 65_536 + 1000;
  return Array.from({ length: plan.packets }, (_, n) => {
    const sequence = start + Math.floor((n * span) / plan.packets);
    return rtpPacket({
      ssrc: SSRC,
      sequence,
      payload: random.octets(random.below(8) === 0 ? random.below(300) : 160),
      ...(random.below(10) === 0 ? { csrcs: random.below(16) } : {}),
      ...(random.below(10) === 0 ? { extensionWords: random.below(6) } : {}),
    });
  });
}

function rtcpPacket(random: Random): Buffer {
  const words = 1 + random.below(20);
  const packet = Buffer.concat([Buffer.alloc(8), random.octets(4 * words)]);
  packet[0] = 0x80;
  packet[1] = 200;
  packet.writeUInt16BE(words + 1, 2);
  packet.writeUInt32BE(SSRC, 4);
  return packet;
}

/** Loses, holds back, doubles and forges. */
function network(random: Random, count: number): Arrival[] {
  const timed: { time: number; arrival: Arrival }[] = [];
  let lossLeft = 0;
  for (let index = 0; index < count; index++) {
    if (random.below(2000) === 0) lossLeft = random.below(400);
    if (lossLeft > 0) lossLeft--;
    if (lossLeft > 0 || random.below(50) === 0) continue;
    const late = random.below(20) === 0 ? random.below(random.below(10) === 0 ? 300 : 12) : 0;
    timed.push({ time: index + late, arrival: { index, forgedBit: -1 } });
    if (random.below(25) === 0) timed.push({ time: index + random.below(250), arrival: { index, forgedBit: -1 } });
    if (random.below(40) === 0)
      timed.push({ time: index + random.below(20) - 10, arrival: { index, forgedBit: random.below(100_000) } });
  }
  return timed.sort((a, b) => a.time - b.time).map(({ arrival }) => arrival);
}

/** A forged packet has one bit turned, but not in the version, CSRC count or extension bits: those are no RTP then. */
function arrived(sent: readonly Buffer[], { index, forgedBit }: Arrival): Buffer {
  const packet = sent[index]!;
  if (forgedBit < 0) return packet;
  const forged = Buffer.from(packet);
  const bit = forgedBit % (8 * (packet.length - 12));
  forged[12 + (bit >> 3)]! ^= 1 << (bit & 7);
  return forged;
}

/** One to nine packets a call, so that groups of every size occur. */
function inBatches<T>(packets: readonly Buffer[], work: (batch: Buffer[]) => T[]): T[] {
  const done: T[] = [];
  for (let at = 0, size = 1; at < packets.length; at += size, size = (size % 9) + 1)
    done.push(...work(packets.slice(at, at + size)));
  return done;
}

function mustEqual(ours: Buffer | undefined, theirs: Buffer | undefined, what: string): void {
  const said = (packet: Buffer | undefined) => packet?.toString("hex") ?? "refused";
  if (ours === theirs || (ours !== undefined && theirs?.equals(ours))) return;
  throw new Error(`${what}: Tandem ${said(ours)}, libsrtp ${said(theirs)}`);
}
