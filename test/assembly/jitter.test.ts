/** The jitter buffer by itself: order, places, counts, runs, pauses. Virtual time; the compiled module. */
import { describe, expect, it } from "vitest";
import { JitterBuffer, playAll } from "../support/jitter-run.ts";
import { clear, reorder, send, uniformJitter } from "../support/network.ts";
import { seededRandom } from "../support/seeded-random.ts";

const [NORMAL, CONCEALED, SILENCE, NOISE] = [0, 1, 2, 3];
const random = seededRandom(42);
/** Noise: no two places look alike, and no period can be left out of it. */
const audio = Buffer.from(Array.from({ length: 8000 * 20 }, () => Math.floor(random() * 256)));
const piece = (at: number, n = 160) => audio.subarray(at, at + n);
const status = (buffer: JitterBuffer, name: string) => buffer.wasm.constant(`STATUS_${name}`);

/** Inserts packet `index` of 20 ms at `nowMs`. */
function insert(buffer: JitterBuffer, index: number, nowMs: number, marker = false): number {
  return buffer.insert((65_530 + index) & 0xffff, (0xfffffb00 + index * 160) >>> 0, piece(index * 160), nowMs, {
    marker,
  });
}

describe("memory", () => {
  it("one buffer takes 6896 octets, and is wiped as a whole (R-COMP-7)", () => {
    const buffer = new JitterBuffer();
    expect(buffer.wasm.constant("JITTER_BYTES")).toBe(6896);
    for (let i = 0; i < 10; i++) insert(buffer, i, i * 20);
    for (let i = 3; i < 10; i++) buffer.take(i * 20);
    const size = buffer.wasm.constant("JITTER_BYTES");
    const holds = () => buffer.wasm.read(buffer.place, size).includes(piece(5 * 160 + 20, 24));
    expect(holds()).toBe(true);
    buffer.reset();
    expect(holds()).toBe(false);
    expect(buffer.canariesAlive).toBe(true);
  });
});

describe("what is played normally is what was sent, octet by octet", () => {
  it.each([
    ["10 ms", 80],
    ["20 ms", 160],
    ["30 ms", 240],
    ["40 ms", 320],
    ["60 ms", 480],
    ["sizes that change", [160, 80, 480, 240, 320, 33, 1]],
  ] as const)("RTP-9 packets of %s", (_name, samples) => {
    const buffer = new JitterBuffer(60);
    const { arrivals } = send(8000 * 10, clear, { samples });
    const { ticks, octets } = playAll(buffer, arrivals, audio, 10_300, 11);
    const first = ticks.findIndex(({ play }) => play === NORMAL) * 160;
    const begin = octets.indexOf(piece(0, 64), Math.max(0, first - 160));
    expect(begin).toBeGreaterThanOrEqual(0);
    // Six seconds: until here nothing can have been left out of noise.
    const bound = ticks.findIndex(({ shortened, lengthened }) => shortened + lengthened > 0);
    const end = bound < 0 ? 8000 * 9.5 : bound * 160 - begin;
    expect(end).toBeGreaterThan(4000);
    expect(octets.subarray(begin, begin + end).equals(audio.subarray(0, end))).toBe(true);
    expect(ticks.filter(({ play, nowMs }) => play === CONCEALED && nowMs < 10_000)).toEqual([]);
    expect([buffer.tell("Late"), buffer.tell("Duplicates"), buffer.tell("Restarts")]).toEqual([0, 0, 0]);
  });

  it("A-law comes out as the mu-law of ITU-T G.711 table 3/4", () => {
    const buffer = new JitterBuffer(20);
    const codes = Buffer.from(Array.from({ length: 160 }, (_, i) => i));
    buffer.insert(1, 0, codes, 0, { alaw: true });
    buffer.take(0);
    const { octets } = buffer.take(20);
    const place = buffer.wasm.reserve(512);
    buffer.wasm.write(place, codes);
    buffer.wasm.call["alawToUlaw"]!(place, place + 256, 160);
    expect(octets.equals(buffer.wasm.read(place + 256, 160))).toBe(true);
  });

  it("RTP-6 reordering within the hold costs nothing", () => {
    const buffer = new JitterBuffer(60);
    const { arrivals } = send(8000 * 5, reorder(0.3, 35));
    const { ticks, octets } = playAll(buffer, arrivals, audio, 4900);
    const begin = octets.indexOf(piece(0, 64));
    expect(octets.subarray(begin, begin + 30_000).equals(audio.subarray(0, 30_000))).toBe(true);
    expect(ticks.some(({ play }) => play === CONCEALED)).toBe(false);
    expect(buffer.tell("Late")).toBe(0);
  });
});

describe("counts", () => {
  it("a repeat is a duplicate, before and after it was played", () => {
    const buffer = new JitterBuffer(40);
    const duplicate = status(buffer, "DUPLICATE");
    for (let i = 0; i < 20; i++) {
      expect(insert(buffer, i, i * 20)).toBe(0);
      expect(insert(buffer, i, i * 20)).toBe(duplicate);
      buffer.take(i * 20);
    }
    expect(insert(buffer, 3, 400)).toBe(duplicate);
    expect(buffer.tell("Duplicates")).toBe(21);
    expect(buffer.tell("Late")).toBe(0);
  });

  it("another number for a place that is taken is a duplicate", () => {
    const buffer = new JitterBuffer(40);
    expect(buffer.insert(10, 0, piece(0), 0)).toBe(0);
    expect(buffer.insert(11, 0, piece(160), 0)).toBe(status(buffer, "DUPLICATE"));
  });

  it("a packet overtaken by what was played is late, once", () => {
    const buffer = new JitterBuffer(20);
    for (let i = 0; i < 20; i++) {
      if (i !== 10) insert(buffer, i, i * 20);
      buffer.take(i * 20 + 5);
    }
    expect(insert(buffer, 10, 405)).toBe(status(buffer, "LATE"));
    expect(insert(buffer, 10, 406)).toBe(status(buffer, "DUPLICATE"));
    expect([buffer.tell("Late"), buffer.tell("Duplicates")]).toEqual([1, 1]);
  });

  it("of a packet that is half too late the other half is used", () => {
    const buffer = new JitterBuffer(20);
    buffer.insert(1, 0, piece(0), 0);
    buffer.insert(3, 160 + 480, piece(640), 10);
    // 60 ms packet number 2 is missing; of it the first 20 ms are made up, then it comes.
    buffer.take(20);
    buffer.take(40);
    expect(buffer.insert(2, 160, piece(160, 480), 45)).toBe(0);
    expect(buffer.tell("Late")).toBe(0);
  });

  it("no length but 1 to 1400 octets is taken", () => {
    const buffer = new JitterBuffer();
    const malformed = status(buffer, "MALFORMED");
    expect(buffer.insert(1, 0, Buffer.alloc(0), 0)).toBe(malformed);
    expect(buffer.insert(1, 0, Buffer.alloc(1401), 0)).toBe(malformed);
    expect(buffer.insert(1, 0, Buffer.alloc(1400, 0x11), 0)).toBe(0);
    expect(buffer.take(80).play).toBe(NORMAL);
  });
});

describe("runs", () => {
  /** 100 packets, then one of another run. */
  function settled(): JitterBuffer {
    const buffer = new JitterBuffer(40);
    for (let i = 0; i < 100; i++) {
      insert(buffer, i, i * 20);
      buffer.take(i * 20 + 3);
    }
    return buffer;
  }

  it.each([
    ["forwards", 0x7000_0000],
    ["backwards", 0x9000_0000],
  ])("a timestamp jump %s: the second packet begins another run", (_name, jump) => {
    const buffer = settled();
    const plays: number[] = [];
    for (let i = 100; i < 200; i++) {
      const result = buffer.insert((65_530 + i) & 0xffff, (0xfffffb00 + i * 160 + jump) >>> 0, piece(i * 160), i * 20);
      expect(result).toBe(i === 100 ? status(buffer, "LATE") : 0);
      plays.push(buffer.take(i * 20 + 3).play);
    }
    expect(buffer.tell("Restarts")).toBe(1);
    expect(plays.slice(8).every((play) => play === NORMAL)).toBe(true);
    expect(buffer.tell("DepthMs")).toBeLessThanOrEqual(60);
  });

  it("with a marker the first packet does", () => {
    const buffer = settled();
    expect(buffer.insert(1000, 0x1234_5678, piece(0), 2000, { marker: true })).toBe(0);
    expect(buffer.tell("Restarts")).toBe(1);
  });

  it("one stray packet changes nothing", () => {
    const buffer = settled();
    expect(buffer.insert(1000, 0x1234_5678, piece(0), 2000)).toBe(status(buffer, "LATE"));
    expect(insert(buffer, 100, 2000)).toBe(0);
    const { play, octets } = buffer.take(2003);
    expect(play).toBe(NORMAL);
    expect(audio.includes(octets)).toBe(true);
    expect(buffer.tell("Restarts")).toBe(0);
  });

  it("a sequence restart with timestamps that go on is no new run", () => {
    const buffer = settled();
    for (let i = 100; i < 150; i++) {
      expect(buffer.insert(i - 100, (0xfffffb00 + i * 160) >>> 0, piece(i * 160), i * 20)).toBe(0);
      expect(buffer.take(i * 20 + 3).play).toBe(NORMAL);
    }
    expect(buffer.tell("Restarts")).toBe(0);
  });

  it("a road that is suddenly 300 ms longer is heard again within 100 ms", () => {
    const buffer = settled();
    const plays: number[] = [];
    for (let tick = 100; tick < 200; tick++) {
      const index = tick - 15;
      if (index >= 100) insert(buffer, index, tick * 20);
      plays.push(buffer.take(tick * 20 + 3).play);
    }
    expect(plays.indexOf(NORMAL, 10)).toBeLessThan(15 + 6);
    expect(plays.slice(25).every((play) => play === NORMAL)).toBe(true);
  });

  it("a backlog of 600 ms that comes at once: what is older than 200 ms is late, the rest is heard", () => {
    const buffer = settled();
    for (let tick = 100; tick < 130; tick++) buffer.take(tick * 20 + 3);
    const results = Array.from({ length: 30 }, (_, i) => insert(buffer, 100 + i, 2600));
    expect(results.filter((result) => result === 0).length).toBeGreaterThanOrEqual(9);
    expect(results.filter((result) => result === 0).length).toBeLessThanOrEqual(12);
    expect(buffer.tell("DepthMs")).toBeLessThanOrEqual(220);
    expect(buffer.tell("Restarts")).toBe(0);
  });

  it("more than the ring holds, at once: the newest is kept, and the memory stays as it is", () => {
    const buffer = new JitterBuffer(40);
    for (let i = 0; i < 200; i++) expect(insert(buffer, i, 0)).toBe(0);
    expect(buffer.tell("DepthMs")).toBeLessThanOrEqual(512);
    expect(buffer.tell("Skipped")).toBeGreaterThan(0);
    expect(buffer.canariesAlive).toBe(true);
  });
});

describe("pauses", () => {
  it("RFC 3551 4.1 silence suppression without comfort noise: nothing is lost, late or cut, and the delay is set anew", () => {
    const buffer = new JitterBuffer(40);
    const heard: Buffer[] = [];
    const spurts = [
      { first: 0, packets: 50, atMs: 0 },
      { first: 100, packets: 50, atMs: 2000 },
      { first: 250, packets: 50, atMs: 5000 },
    ];
    let sequence = 0;
    for (let tick = 0; tick < 320; tick++) {
      for (const { first, packets, atMs } of spurts) {
        const index = first + tick - atMs / 20;
        if (index < first || index >= first + packets) continue;
        const timestamp = index * 160;
        expect(buffer.insert(sequence++, timestamp, piece(timestamp), tick * 20, { marker: index === first })).toBe(0);
      }
      heard.push(buffer.take(tick * 20 + 5).octets);
    }
    const all = Buffer.concat(heard);
    for (const { first } of spurts) {
      // The first 4 ms after a pause glide in.
      const begin = all.indexOf(audio.subarray(first * 160 + 32, first * 160 + 96));
      expect(begin).toBeGreaterThan(0);
      expect(all.subarray(begin, begin + 6000).equals(audio.subarray(first * 160 + 32, first * 160 + 6032))).toBe(true);
    }
    expect([buffer.tell("Late"), buffer.tell("Restarts"), buffer.tell("Skipped")]).toEqual([0, 0, 0]);
  });

  it("timestamps that stand still in a pause: the marker begins anew", () => {
    const buffer = new JitterBuffer(40);
    for (let i = 0; i < 50; i++) {
      buffer.insert(i, i * 160, piece(i * 160), i * 20, { marker: i === 0 });
      buffer.take(i * 20 + 5);
    }
    for (let tick = 50; tick < 100; tick++) buffer.take(tick * 20 + 5);
    for (let i = 50; i < 100; i++) {
      expect(buffer.insert(i, i * 160, piece(i * 160), 1000 + i * 20, { marker: i === 50 })).toBe(0);
      buffer.take(1000 + i * 20 + 5);
    }
    expect(buffer.tell("Late")).toBe(0);
  });

  it("CN-1 a pause that was described is noise and not loss, and updates change it", () => {
    const buffer = new JitterBuffer(40);
    const plays: number[] = [];
    const levels: number[] = [];
    for (let tick = 0; tick < 150; tick++) {
      if (tick < 50) buffer.insert(tick, tick * 160, piece(tick * 160), tick * 20);
      if (tick === 50) buffer.comfortNoise(50, 8000, Buffer.from([40]));
      if (tick === 100) buffer.comfortNoise(51, 16_000, Buffer.from([60]));
      const { play, octets } = buffer.take(tick * 20 + 5);
      plays.push(play);
      const samples = buffer.decode(octets);
      levels.push(-20 * Math.log10(Math.sqrt(samples.reduce((sum, s) => sum + s * s, 0) / 160) / 32_124));
    }
    expect(plays.filter((play) => play === CONCEALED)).toEqual([]);
    const begin = plays.indexOf(NOISE);
    expect(begin).toBeGreaterThanOrEqual(50);
    expect(begin).toBeLessThanOrEqual(53);
    expect(plays.slice(begin).every((play) => play === NOISE)).toBe(true);
    const average = (from: number, to: number) =>
      levels.slice(from, to).reduce((sum, level) => sum + level, 0) / (to - from);
    expect(Math.abs(average(56, 98) - 40)).toBeLessThan(1);
    expect(Math.abs(average(104, 149) - 60)).toBeLessThan(1);
    expect(buffer.tell("Concealed")).toBe(0);
  });

  it("RTP-7 a stream that ends fades within 60 ms; digital silence stays digital silence", () => {
    const buffer = new JitterBuffer(40);
    const plays: number[] = [];
    const tone = Buffer.from(Array.from({ length: 160 }, (_, i) => (i % 2 === 0 ? 0x20 : 0xa0)));
    for (let tick = 0; tick < 80; tick++) {
      if (tick < 30) buffer.insert(tick, tick * 160, tick % 3 === 0 ? Buffer.alloc(160, 0xff) : tone, tick * 20);
      const { play, octets } = buffer.take(tick * 20 + 5);
      plays.push(play);
      if (tick > 40) expect(octets.every((octet) => octet === 0xff)).toBe(true);
    }
    expect(plays.filter((play) => play === CONCEALED).length).toBeLessThanOrEqual(4);
    expect(plays.at(-1)).toBe(SILENCE);
  });

  it("nothing that came: silence, from the first tick on", () => {
    const buffer = new JitterBuffer();
    for (let tick = 0; tick < 10; tick++) {
      const { play, octets } = buffer.take(tick * 20);
      expect(play).toBe(SILENCE);
      expect(octets.every((octet) => octet === 0xff)).toBe(true);
    }
  });
});

describe("R-MEDIA-9 nothing is allocated", () => {
  it("an hour's worth of packets leaves the memory as large as it was", () => {
    const buffer = new JitterBuffer();
    const { arrivals } = send(8000 * 600, uniformJitter(80));
    buffer.insert(0, 0, piece(0), 0);
    const size = buffer.wasm.memory.buffer.byteLength;
    playAll(buffer, arrivals.slice(1), audio, 600_000);
    expect(buffer.wasm.memory.buffer.byteLength).toBe(size);
    expect(buffer.canariesAlive).toBe(true);
  });
});
