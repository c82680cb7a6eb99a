/** What the engine says about the quality of a leg: RTCP figures, bursts and gaps, E-model, levels, silence. */
import { describe, expect, it } from "vitest";
import { G711_LOSS_ROBUSTNESS, G711_LOSS_ROBUSTNESS_BARE, meanOpinionScore, rating } from "../../src/media/e-model.ts";
import type { LegOptions } from "../../src/media/leg-options.ts";
import type { LossPattern } from "../../src/media/media-events.ts";
import { type Datagram, Host, run } from "../support/media-pair.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { loadWasm } from "../support/wasm.ts";

const at = (address: string, port: number): LegOptions => ({ remoteRtp: { address, port } });

/** One leg, and the RTP packets of a far end that a test makes. */
function listener(options: LegOptions = {}) {
  const host = new Host(1);
  const leg = host.open("127.0.0.2", 2000, { ...at("127.0.0.1", 1000), ...options });
  const packet = Buffer.alloc(172, 0xff);
  const send = (sequence: number, nowMs: number, octet = 0xff) => {
    packet[0] = 0x80;
    packet[1] = 0;
    packet.writeUInt16BE(sequence & 0xffff, 2);
    packet.writeUInt32BE((sequence * 160) >>> 0, 4);
    packet.writeUInt32BE(77, 8);
    packet.fill(octet, 12);
    host.take({ fromAddress: "127.0.0.1", fromPort: 1000, toAddress: "127.0.0.2", toPort: 2000, bytes: packet });
    host.core.receive(nowMs);
  };
  return { host, leg, send };
}

/** RFC 3611 §4.7.2 by its words: a burst begins and ends with a loss, and has fewer than 16 packets between two losses. */
function patternOf(present: readonly boolean[]): Omit<LossPattern, "burstRatio"> & { runs: number } {
  const losses = present.flatMap((here, i) => (here ? [] : [i]));
  const groups: number[][] = [];
  for (const loss of losses) {
    const group = groups.at(-1);
    if (group !== undefined && loss - group.at(-1)! - 1 < 16) group.push(loss);
    else groups.push([loss]);
  }
  const bursts = groups.filter(({ length }) => length > 1);
  const burstPackets = bursts.reduce((sum, burst) => sum + burst.at(-1)! - burst[0]! + 1, 0);
  const burstLosses = bursts.reduce((sum, { length }) => sum + length, 0);
  let gaps = 0;
  let from = 0;
  for (const burst of [...bursts, [present.length]]) {
    if (burst[0]! > from) gaps++;
    from = burst.at(-1)! + 1;
  }
  const gapPackets = present.length - burstPackets;
  return {
    burstDensityPercent: burstPackets === 0 ? 0 : (100 * burstLosses) / burstPackets,
    gapDensityPercent: gapPackets === 0 ? 0 : (100 * (losses.length - burstLosses)) / gapPackets,
    burstDurationMs: bursts.length === 0 ? 0 : (burstPackets * 20) / bursts.length,
    gapDurationMs: gaps === 0 ? 0 : (gapPackets * 20) / gaps,
    bursts: bursts.length,
    runs: losses.filter((loss) => present[loss - 1] !== false).length,
  };
}

describe("RFC 3611 4.7.2 bursts and gaps", () => {
  it.each([
    ["no loss", "r".repeat(200)],
    ["one loss alone is of the gap", `${"r".repeat(50)}l${"r".repeat(50)}`],
    ["15 packets between two losses: one burst", `${"r".repeat(50)}l${"r".repeat(15)}l${"r".repeat(50)}`],
    ["16 packets between two losses: no burst", `${"r".repeat(50)}l${"r".repeat(16)}l${"r".repeat(50)}`],
    ["100 losses in a row", `${"r".repeat(50)}${"l".repeat(100)}${"r".repeat(5)}`],
    ["two bursts", `r${"lrl".repeat(5)}${"r".repeat(90)}${"llr".repeat(7)}${"r".repeat(3)}`],
  ])("%s", (_title, text) => {
    const present = [...text].map((letter) => letter === "r");
    const { host, leg, send } = listener();
    present.forEach((here, i) => {
      if (here) send(i, i * 20);
    });
    const { lossPattern, lossPercent } = host.core.stats(leg);
    const { runs, ...expected } = patternOf(present);
    expect(lossPattern).toMatchObject(expected);
    const lost = present.filter((here) => !here).length;
    expect(lossPercent).toBeCloseTo((100 * lost) / present.length, 10);
    const ratio = lost === 0 ? 1 : Math.max(1, (lost / runs) * (1 - lost / present.length));
    expect(lossPattern.burstRatio).toBeCloseTo(ratio, 10);
  });

  it("agrees with the definition over Gilbert losses, wraps of the sequence number, and reordering by up to 40", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = seededRandom(seed);
      const { host, leg, send } = listener();
      const present: boolean[] = [true];
      for (let i = 1; i < 2000; i++) present.push(random() >= (present[i - 1] ? 0.02 : 0.6));
      present.push(true);
      const arriving = present
        .flatMap((here, i) => (here ? [{ i, place: i === 0 ? -1 : i + random() * random() * 40 }] : []))
        .sort((a, b) => a.place - b.place);
      const halfway = arriving.length >> 1;
      arriving.forEach(({ i }, n) => {
        send(65_000 + i, n * 20);
        // Looking does not change what is counted.
        if (n === halfway) host.core.stats(leg);
      });
      const { runs: _runs, ...expected } = patternOf(present);
      const { lossPattern } = host.core.stats(leg);
      for (const [name, value] of Object.entries(expected))
        expect(lossPattern[name as keyof LossPattern], `${name}, seed ${seed}`).toBeCloseTo(value, 9);
    }
  });

  it("packets that come too late to be played count as lost", () => {
    const { host, leg, send } = listener();
    host.core.openTap({ leg, tracks: ["inbound"] }, 0);
    for (let i = 0; i < 100; i++) {
      host.core.tick(i * 20);
      if (i !== 50) send(i, i * 20);
      host.collect();
    }
    send(50, 2000);
    const { lossPercent, packetsDiscarded, packetsLost, packetsLate } = host.core.stats(leg);
    expect({ packetsDiscarded, packetsLost, packetsLate }).toEqual({
      packetsDiscarded: 1,
      packetsLost: 0,
      packetsLate: 1,
    });
    expect(lossPercent).toBeCloseTo(1, 10);
  });
});

describe("ITU-T G.107 E-model", () => {
  const perfect = { delayMs: 0, lossPercent: 0, burstRatio: 1, equipmentImpairment: 0, lossRobustness: 25.1 };

  it("the default parameters give R 93.2 and a score of 4.41, which nothing exceeds", () => {
    expect(rating(perfect)).toBeCloseTo(93.2, 1);
    expect(meanOpinionScore(rating(perfect))).toBeCloseTo(4.41, 2);
  });

  it("annex B: the scores of table B.1, to its last digit", () => {
    const table = { 90: 4.34, 80: 4.03, 70: 3.6, 60: 3.1, 50: 2.58 };
    for (const [r, score] of Object.entries(table))
      expect(Math.abs(meanOpinionScore(Number(r)) - score)).toBeLessThan(0.01);
    expect([-5, 0, 3, 100, 120].map(meanOpinionScore)).toEqual([1, 1, 1, 4.5, 4.5]);
  });

  it("7.5: loss by Bpl and BurstR", () => {
    const r = (lossPercent: number, burstRatio: number, lossRobustness: number) =>
      rating({ ...perfect, lossPercent, burstRatio, lossRobustness });
    for (const [loss, ratio, bpl] of [
      [1, 1, G711_LOSS_ROBUSTNESS],
      [5, 2, G711_LOSS_ROBUSTNESS],
      [3, 2, G711_LOSS_ROBUSTNESS_BARE],
    ] as const)
      expect(rating(perfect) - r(loss, ratio, bpl)).toBeCloseTo((95 * loss) / (loss / ratio + bpl), 9);
  });

  it("never better with more loss, more delay or longer bursts, and always from 1 to 4.41", () => {
    let before = Number.POSITIVE_INFINITY;
    for (let delayMs = 0; delayMs <= 2000; delayMs += 10) {
      const r = rating({ ...perfect, delayMs });
      expect(r).toBeLessThanOrEqual(before + 1e-9);
      before = r;
    }
    for (const burstRatio of [1, 2, 8]) {
      before = Number.POSITIVE_INFINITY;
      for (let lossPercent = 0; lossPercent <= 100; lossPercent++) {
        const r = rating({ ...perfect, lossPercent, burstRatio, delayMs: 300 });
        expect(r).toBeLessThanOrEqual(before);
        before = r;
        const mos = meanOpinionScore(r);
        expect(mos >= 1 && mos <= 4.41).toBe(true);
      }
    }
  });

  it("RTP-SES-9: a leg without loss is at the ceiling, one with 20 % loss is poor", () => {
    const random = seededRandom(5);
    const scores = [0, 0.2].map((loss) => {
      const { host, leg, send } = listener();
      for (let i = 0; i < 3000; i++) if (random() >= loss) send(i, i * 20);
      const { mosListening, mosConversational, rListening, oneWayDelayMs } = host.core.stats(leg);
      expect(oneWayDelayMs).toBe(20);
      expect(mosConversational).toBeLessThan(mosListening);
      expect(mosConversational).toBeGreaterThan(mosListening - 0.1);
      expect(meanOpinionScore(rListening)).toBe(mosListening);
      return mosListening;
    });
    expect(scores[0]).toBeCloseTo(4.41, 2);
    expect(scores[1]).toBeGreaterThan(2.2);
    expect(scores[1]).toBeLessThan(3);
  });
});

describe("RFC 3550 figures between two ends", () => {
  it("RTP-SES-2: round trip, loss and jitter as the far end reports them", () => {
    const [left, right] = [new Host(1), new Host(1)];
    const a = left.open("127.0.0.1", 1000, at("127.0.0.2", 2000));
    const b = right.open("127.0.0.2", 2000, at("127.0.0.1", 1000));
    const random = seededRandom(3);
    // 60 ms there, 90 ms back; every tenth packet of RTP there is lost.
    const waiting: { datagram: Datagram; dueMs: number }[] = [];
    for (let nowMs = 0; nowMs < 40_000; nowMs += 5) {
      run([left, right], nowMs, nowMs + 5, (datagram) => {
        const isThere = datagram.toPort >= 2000;
        if (datagram.toPort === 2000 && random() < 0.1) return [];
        waiting.push({ datagram, dueMs: nowMs + (isThere ? 60 : 90) });
        return [];
      });
      while (waiting.length > 0) {
        const due = waiting.findIndex(({ dueMs }) => dueMs <= nowMs);
        if (due < 0) break;
        const { datagram } = waiting.splice(due, 1)[0]!;
        (datagram.toPort >= 2000 ? right : left).take(datagram);
      }
    }
    const [own, theirs] = [left.core.stats(a), right.core.stats(b)];
    for (const stats of [own, theirs]) {
      expect(stats.roundTripMs).toBeGreaterThanOrEqual(145);
      expect(stats.roundTripMs).toBeLessThanOrEqual(165);
      expect(stats.roundTripMinMs!).toBeLessThanOrEqual(stats.roundTripMaxMs!);
      expect(stats.reportsReceived).toBeGreaterThan(5);
      expect(stats.reportsForeign).toBe(0);
      expect(stats.jitterMs).toBeLessThan(3);
    }
    expect(theirs.lossPercent).toBeGreaterThan(7);
    expect(theirs.lossPercent).toBeLessThan(13);
    const { remoteReport } = own;
    expect(remoteReport!.packetsLost).toBeGreaterThan(theirs.packetsLost * 0.7);
    expect(remoteReport!.packetsLost).toBeLessThanOrEqual(theirs.packetsLost);
    expect(remoteReport!.lossPercent).toBeGreaterThan(0);
    expect(theirs.remoteReport).toMatchObject({ packetsLost: 0, lossPercent: 0 });
    expect(own.mosConversational).toBeLessThan(own.mosListening);
  });
});

describe("levels (RFC 6464) and silence", () => {
  it("the energy of every code of both laws is that of its sample, and 0 dBov is the overload point", () => {
    const wasm = loadWasm();
    const place = wasm.reserve(512);
    const samples = wasm.reserve(1024);
    const codes = Buffer.from(Array.from({ length: 256 }, (_, i) => (i * 7) & 255));
    for (const [alaw, decode, scale] of [
      [0, "ulawDecode", 4 * 8031],
      [1, "alawDecode", 8 * 4032],
    ] as const)
      for (const [from, count] of [
        [0, 256],
        [3, 160],
        [5, 7],
        [0, 1],
        [9, 33],
      ] as const) {
        wasm.write(place, codes);
        wasm.call[decode]!(place + from, samples, count);
        const linear = new Int16Array(new Uint8Array(wasm.read(samples, count * 2)).buffer);
        const expected = linear.reduce((sum, sample) => sum + (sample / scale) ** 2, 0);
        expect(wasm.call["g711Energy"]!(place + from, count, alaw)).toBeCloseTo(expected, 9);
      }
    wasm.write(place, Buffer.alloc(320, 0x80));
    expect(wasm.call["g711Energy"]!(place, 320, 0)).toBeCloseTo(320, 6);
    wasm.write(place, Buffer.alloc(320, 0x2a));
    expect(wasm.call["g711Energy"]!(place, 320, 1)).toBeCloseTo(320, 6);
  });

  it("a full-scale square is 0 dBov, silence -127, in both directions of a bridge", () => {
    const host = new Host(2);
    const a = host.open("127.0.0.2", 2000, at("127.0.0.1", 1000));
    const b = host.open("127.0.0.2", 4000, at("127.0.0.1", 3000));
    host.core.bridge(a, b, 0);
    const caller = new Host(1);
    const leg = caller.open("127.0.0.1", 1000, at("127.0.0.2", 2000));
    const loud = Buffer.alloc(1600, 0x80);
    for (let i = 0; i < 40; i++) {
      caller.core.playbackWrite(leg, loud, 0, 160);
      run([caller, host], i * 20, i * 20 + 20);
    }
    expect(host.core.stats(a).inboundLevelDbov).toBeCloseTo(0, 6);
    expect(host.core.stats(b).outboundLevelDbov).toBeCloseTo(0, 6);
    expect(caller.core.stats(leg).outboundLevelDbov).toBeCloseTo(0, 6);
    expect(host.core.stats(b).inboundLevelDbov).toBe(-127);
    run([caller, host], 800, 1200);
    expect(host.core.stats(a).inboundLevelDbov).toBe(-127);
  });

  it("silence is told once it has lasted as asked, and its end with its length", () => {
    const { host, leg, send } = listener({ silenceAfterMs: 1000, silenceThresholdDbov: -40 });
    const play = (fromMs: number, toMs: number, octet: number | undefined) => {
      for (let nowMs = fromMs; nowMs < toMs; nowMs += 20) {
        if (octet !== undefined) send(nowMs / 20, nowMs, octet);
        host.core.tick(nowMs);
        host.collect();
      }
    };
    const told = () => host.events.flatMap((event) => ("track" in event && event.track === "inbound" ? [event] : []));
    play(0, 2000, 0x80);
    expect(told()).toEqual([]);
    // 0x6f is 64 of 8031 and more: -42 dBov. 900 ms are too short, one loud packet alone ends nothing.
    play(2000, 2900, 0x6f);
    play(2900, 3000, 0x80);
    expect(told()).toEqual([]);
    play(3000, 5000, 0x6f);
    expect(told()).toEqual([{ type: "silence-began", leg, track: "inbound", durationMs: 1000 }]);
    play(5000, 5020, 0x80);
    play(5020, 6000, 0x6f);
    expect(told()).toHaveLength(1);
    play(6000, 6100, 0x80);
    expect(told()[1]).toEqual({ type: "silence-ended", leg, track: "inbound", durationMs: 3020 });
    // Nothing at all is silence too.
    play(6100, 8000, undefined);
    expect(told()).toHaveLength(3);
    expect(host.core.stats(leg).inboundLevelDbov).toBe(-127);
  });

  it("nothing is told unless it was asked for", () => {
    const { host, send } = listener();
    for (let i = 0; i < 500; i++) {
      send(i, i * 20);
      host.core.tick(i * 20);
      host.collect();
    }
    expect(host.events.map(({ type }) => type)).toEqual(["first-packet"]);
  });
});
