/**
 * hardening.md: loss, reordering, repeats and jitter on RTP, as a consumer of a media stream hears them through the whole
 * engine. Virtual time, in steps of 5 ms like the poll of a worker.
 */
import { describe, expect, it, vi } from "vitest";
import { mean } from "../support/hearing.ts";
import { JitterBuffer } from "../support/jitter-run.ts";
import { Host, messageOf } from "../support/media-pair.ts";
import {
  type Arrival,
  burstLoss,
  clear,
  type Road,
  randomLoss,
  reorder,
  send,
  spikes,
  uniformJitter,
  wifi,
} from "../support/network.ts";
import { makeSpeech } from "../support/speech.ts";

// Much is simulated; a busy machine may take its time.
vi.setConfig({ testTimeout: 120_000 });

const SECONDS = 30;
const speech = makeSpeech({ seconds: SECONDS, seed: 3 });
const coder = new JitterBuffer();
const audio = coder.encode(speech.samples);

function rtp(packet: Pick<Arrival, "sequence" | "timestamp" | "marker">, payload: Uint8Array, ssrc: number, type = 0) {
  const bytes = Buffer.alloc(12 + payload.length);
  bytes[0] = 0x80;
  bytes[1] = type | (packet.marker ? 0x80 : 0);
  bytes.writeUInt16BE(packet.sequence, 2);
  bytes.writeUInt32BE(packet.timestamp, 4);
  bytes.writeUInt32BE(ssrc, 8);
  bytes.set(payload, 12);
  return bytes;
}

interface Datagram {
  readonly atMs: number;
  readonly bytes: Buffer;
}

/** One leg, one stream with its frames, one tap with octets. */
function listen(datagrams: readonly Datagram[], seconds: number) {
  const gateway = new Host();
  const leg = gateway.open("127.0.0.2", 2000, {
    remoteRtp: { address: "127.0.0.1", port: 1000 },
    comfortNoisePayloadType: 13,
  });
  const stream = gateway.core.openStream({ leg, tracks: ["inbound"], streamSid: "MZx" }, 0);
  const tap = gateway.core.openTap({ leg, tracks: ["inbound"] }, 0);
  let next = 0;
  for (let nowMs = 0; nowMs < seconds * 1000; nowMs += 5) {
    for (; next < datagrams.length && datagrams[next]!.atMs <= nowMs; next++)
      gateway.take({
        fromAddress: "127.0.0.1",
        fromPort: 1000,
        toAddress: "127.0.0.2",
        toPort: 2000,
        bytes: datagrams[next]!.bytes,
      });
    gateway.core.receive(nowMs);
    gateway.core.tick(nowMs);
    gateway.collect();
  }
  const frames = (number: number) => gateway.frames.get(number) ?? [];
  return {
    gateway,
    leg,
    messages: frames(stream).map(({ bytes }) => messageOf(bytes)),
    heard: Buffer.concat(frames(tap).map(({ bytes }) => bytes)),
  };
}

const over = (road: Road, ssrc = 7): { datagrams: Datagram[]; lost: number } => {
  const { sent, arrivals } = send(audio.length, road);
  const datagrams = arrivals.map((packet) => ({
    atMs: packet.arrivalMs,
    bytes: rtp(packet, audio.subarray(packet.at, packet.at + packet.samples), ssrc),
  }));
  return { datagrams, lost: sent.length - arrivals.length };
};

/** Every number of a stream's messages steps as it must. */
function expectSteady(messages: ReturnType<typeof messageOf>[], seconds: number): void {
  expect(messages.length).toBeGreaterThan(seconds * 50 - 10);
  messages.forEach((message, i) => {
    if (i === 0) return;
    const before = messages[i - 1]!;
    const steps = [
      Number(message.sequenceNumber) - Number(before.sequenceNumber),
      Number(message.media.chunk) - Number(before.media.chunk),
      Number(message.media.timestamp) - Number(before.media.timestamp),
      Buffer.from(message.media.payload, "base64").length,
    ];
    if (steps.join() !== "1,1,20,160") throw new Error(`message ${i} steps by ${steps.join()}`);
  });
}

describe("hardening: impairments of RTP, as a media stream hears them", () => {
  it.each<[string, () => Road, { concealed: number; late: number }]>([
    ["no impairment", () => clear, { concealed: 0, late: 0 }],
    ["1 % lost", () => randomLoss(0.01, 11), { concealed: 0, late: 0 }],
    ["5 % lost", () => randomLoss(0.05, 12), { concealed: 0, late: 0 }],
    ["20 % lost", () => randomLoss(0.2, 13), { concealed: 0, late: 0 }],
    ["10 % lost in bursts of 4", () => burstLoss(0.1, 4, 14), { concealed: 0, late: 0 }],
    ["200 ms of uniform jitter", () => uniformJitter(200, 15), { concealed: 0.02, late: 12 }],
    ["Wi-Fi like bursts of 150 ms", () => wifi(800, 150, 16), { concealed: 0.06, late: 12 }],
    ["spikes of 200 ms", () => spikes(3000, 200, 17), { concealed: 0.06, late: 12 }],
    ["10 % overtaken by two", () => reorder(0.1, 50, 18), { concealed: 0.02, late: 8 }],
  ])("%s: frames step by 20 ms and 1, counts are right", (_name, road, most) => {
    const { datagrams, lost } = over(road());
    const { gateway, leg, messages } = listen(datagrams, SECONDS);
    expectSteady(messages, SECONDS);
    const stats = gateway.core.stats(leg);
    // The reordered end of the stream may still be on its way.
    expect(Math.abs(stats.packetsLost - lost)).toBeLessThanOrEqual(1);
    // A lost packet is one frame, or two as long as frames begin inside packets; the end of the stream is three.
    expect(stats.framesConcealed - 3 - lost * 1.5).toBeLessThanOrEqual(most.concealed * SECONDS * 50);
    expect(stats.drops.late).toBeLessThanOrEqual(most.late);
    expect(stats.drops.duplicate).toBe(0);
    expect(gateway.core.faults).toBe(0);
  });

  it("every packet three times over: counted, heard once", () => {
    const { datagrams } = over(clear);
    const repeated = datagrams.flatMap((d) => [d, { ...d, atMs: d.atMs + 1 }, { ...d, atMs: d.atMs + 45 }]);
    repeated.sort((a, b) => a.atMs - b.atMs);
    const { gateway, leg, heard, messages } = listen(repeated, SECONDS);
    const stats = gateway.core.stats(leg);
    expect(stats.drops.duplicate).toBeGreaterThan(2 * datagrams.length - 10);
    expect(stats.framesConcealed).toBeLessThanOrEqual(3);
    expectSteady(messages, SECONDS);
    // All but what a stretch touches is there, in order.
    let [from, found] = [0, 0];
    for (let at = 0; at + 320 <= audio.length; at += 320) {
      const place = heard.indexOf(audio.subarray(at, at + 320), from);
      if (place < 0) continue;
      found++;
      from = place + 320;
    }
    expect(found / (audio.length / 320)).toBeGreaterThan(0.95);
  });

  it("RTP-5 another SSRC: the old sound fades, the new one begins within 100 ms, numbers go on", () => {
    const first = over(clear, 7).datagrams.filter(({ atMs }) => atMs < 10_000);
    const second = over(clear, 8).datagrams.map((d) => ({ ...d, atMs: d.atMs + 10_000 }));
    const { messages, heard, gateway } = listen([...first, ...second], 20);
    expectSteady(messages, 20);
    expect(gateway.events.filter(({ type }) => type === "ssrc-changed")).toHaveLength(1);
    const begin = heard.lastIndexOf(audio.subarray(2000, 2200));
    // 250 ms into the second stream; it began at 10 s, 40 ms are held back, and the stream began with its first audio.
    expect(begin / 8).toBeGreaterThan(10_200);
    expect(begin / 8).toBeLessThan(10_200 + 160);
  });

  it("CN-1 comfort noise in a pause: frames go on, nothing is counted as lost", () => {
    const talk = over(clear).datagrams.filter(({ atMs }) => atMs < 5000);
    const last = talk.at(-1)!.bytes;
    const noise = rtp(
      {
        sequence: (last.readUInt16BE(2) + 1) & 0xffff,
        timestamp: (last.readUInt32BE(4) + 160) >>> 0,
        marker: false,
      },
      Uint8Array.of(45, 20, 150),
      7,
      13,
    );
    const { messages, gateway, leg } = listen([...talk, { atMs: talk.at(-1)!.atMs + 20, bytes: noise }], 9);
    expectSteady(messages, 9);
    expect(gateway.core.stats(leg).framesConcealed).toBe(0);
    const levels = messages.slice(-150).map(({ media }) => {
      const samples = coder.decode(Buffer.from(media.payload, "base64"));
      return 10 * Math.log10(mean(Array.from(samples, (s) => s * s)) / 32_124 ** 2);
    });
    expect(Math.abs(mean(levels) + 45)).toBeLessThan(1.5);
  });
});
