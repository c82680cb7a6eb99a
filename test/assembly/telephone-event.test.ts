/** Key presses by RFC 4733 (test/vectors/dtmf/rfc4733.json): read once each however mangled, and written as §2.5 has it. */
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { loadWasm } from "../support/wasm.ts";

interface EventPacket {
  readonly seq: number;
  readonly timestamp: number;
  readonly marker?: boolean;
  readonly payload: string;
}

const vectors = JSON.parse(readFileSync(new URL("../vectors/dtmf/rfc4733.json", import.meta.url), "utf8")) as {
  payloads: { hex: string; event: number; duration: number }[];
  malformed: { hex: string; why: string }[];
  example911: { packets: (EventPacket & { sendTimeMs: number })[] };
};
const KEYS = "0123456789*#ABCD";
const wasm = loadWasm();
const receiver = wasm.reserve(wasm.constant("DTMF_RECEIVER_BYTES"));
const sender = wasm.reserve(wasm.constant("DTMF_SENDER_BYTES"));
const payload = wasm.reserve(16);

function take({ seq, timestamp, marker = false, payload: hex }: EventPacket): string {
  const octets = Buffer.from(hex, "hex");
  wasm.write(payload, octets);
  const key = wasm.call["dtmfReceive"]!(receiver, seq, timestamp, marker ? 1 : 0, payload, octets.length);
  return key < 0 ? "" : KEYS[key]!;
}

const keysOf = (packets: readonly EventPacket[]): string => packets.map(take).join("");

function event(key: string, duration: number, ends = false, volume = 10): string {
  const octets = Buffer.from([KEYS.indexOf(key), (ends ? 0x80 : 0) | volume, 0, 0]);
  octets.writeUInt16BE(duration, 2);
  return octets.toString("hex");
}

/** Packets of one press as DTMF-2 sends it, `samples` long, numbered from `seq`. */
function press(key: string, seq: number, timestamp: number, samples = 800): EventPacket[] {
  const packets: EventPacket[] = [];
  for (let duration = 160; duration < samples; duration += 160)
    packets.push({ seq: seq + packets.length, timestamp, marker: duration === 160, payload: event(key, duration) });
  for (let end = 0; end < 3; end++)
    packets.push({ seq: seq + packets.length, timestamp, payload: event(key, samples, true) });
  return packets;
}

beforeEach(() => wasm.call["dtmfReset"]!(receiver));

describe("RFC 4733 2.3 payloads", () => {
  it.each(vectors.payloads)("$hex", ({ hex, event: key, duration }) => {
    expect(take({ seq: 1, timestamp: 1, payload: hex })).toBe(duration === 0 ? "" : KEYS[key]);
  });

  it.each(vectors.malformed)("DTMF-4: $hex is no key: $why", ({ hex }) => {
    expect(take({ seq: 1, timestamp: 1, payload: hex })).toBe("");
  });

  it("DTMF-6: every key at every volume, R bit or not", () => {
    let seq = 0;
    for (const key of KEYS)
      for (let volume = 0; volume < 128; volume++)
        expect(take({ seq: ++seq, timestamp: seq * 2000, payload: event(key, 160, false, volume) })).toBe(key);
  });

  it("RFC 4733 events 16 to 255 are no keys", () => {
    for (let code = 16; code < 256; code++) {
      const hex = Buffer.from([code, 10, 3, 0x20]).toString("hex");
      expect(take({ seq: code, timestamp: code * 2000, payload: hex })).toBe("");
    }
  });
});

describe("RFC 4733 2.5.2 each press once", () => {
  it("the 911 example, whole, and with every single packet lost", () => {
    const { packets } = vectors.example911;
    expect(keysOf(packets)).toBe("911");
    for (const lost of packets) {
      wasm.call["dtmfReset"]!(receiver);
      expect(keysOf(packets.filter((packet) => packet !== lost))).toBe("911");
    }
  });

  it("DTMF-3: any one packet that is left of a press is enough", () => {
    const first = press("5", 100, 1000);
    for (const only of first) {
      wasm.call["dtmfReset"]!(receiver);
      expect(keysOf([only, ...press("6", 120, 4000)])).toBe("56");
    }
  });

  it("repeated and in any order, also mixed with the presses around it", () => {
    const presses = [...press("1", 10, 0), ...press("1", 20, 1600), ...press("2", 30, 3200)];
    expect(keysOf(presses.flatMap((packet) => [packet, packet]))).toBe("112");
    wasm.call["dtmfReset"]!(receiver);
    expect([...keysOf([...presses].reverse())].sort().join("")).toBe("112");
    wasm.call["dtmfReset"]!(receiver);
    // Every packet changes places with the one that comes three later.
    const mixed = presses.map((packet, i) => ({ packet, place: i + (i % 4 === 0 ? 4 : 0) }));
    mixed.sort((a, b) => a.place - b.place);
    expect(keysOf(mixed.map(({ packet }) => packet))).toBe("112");
  });

  it("2.5.1.3: presses longer than the duration field, segment by segment, with losses at every joint", () => {
    const long: EventPacket[] = [];
    for (let segment = 0; segment < 3; segment++)
      for (
        let duration = 160;
        duration <= 0xffff;
        duration = duration === 0xffff ? 0x10000 : Math.min(duration + 160, 0xffff)
      )
        long.push({
          seq: long.length,
          timestamp: 5000 + segment * 0xffff,
          marker: long.length === 0,
          payload: event("7", duration),
        });
    const timestamp = 5000 + 3 * 0xffff;
    const end = [0, 1, 2].map((i) => ({ seq: long.length + i, timestamp, payload: event("7", 400, true) }));
    expect(keysOf([...long, ...end])).toBe("7");
    wasm.call["dtmfReset"]!(receiver);
    expect(keysOf([...long.filter(({ seq }) => seq % 410 < 390), ...end])).toBe("7");
    // The same key again afterwards is another press.
    expect(keysOf(press("7", long.length + 20, timestamp + 800))).toBe("7");
  });

  it("a late packet of an older segment tells nothing", () => {
    const before = { seq: 1, timestamp: 0, payload: event("7", 0xff00) };
    const after = { seq: 3, timestamp: 0xffff, payload: event("7", 160) };
    const late = { seq: 2, timestamp: 0, payload: event("7", 0xffff) };
    expect(keysOf([before, after, late])).toBe("7");
  });

  it("the timestamp wraps", () => {
    expect(keysOf([...press("3", 1, 0xffff_ff00), ...press("3", 10, 0x500)])).toBe("33");
  });

  it("the same key pressed again at once, the end of the first and the start of the second lost", () => {
    const [first, second] = [press("8", 1, 0), press("8", 8, 1200)];
    expect(keysOf([...first.slice(0, 4), ...second.slice(1)])).toBe("88");
  });
});

describe("senders that are wrong", () => {
  it("one timestamp for all presses", () => {
    expect(keysOf([...press("1", 1, 700), ...press("1", 8, 700), ...press("2", 15, 700), ...press("1", 22, 700)])).toBe(
      "1121",
    );
    wasm.call["dtmfReset"]!(receiver);
    const repeated = [...press("1", 1, 700), ...press("1", 8, 700)].flatMap((packet) => [packet, packet]);
    expect(keysOf(repeated)).toBe("11");
  });

  it("a timestamp that moves with every packet", () => {
    const moving = (key: string, seq: number, timestamp: number) =>
      press(key, seq, timestamp).map((packet, i) => ({ ...packet, timestamp: timestamp + i * 160 }));
    expect(keysOf([...moving("4", 1, 0), ...moving("4", 8, 2000), ...moving("5", 15, 4000)])).toBe("445");
  });

  it("the marker on every packet, or on none", () => {
    const marked = (marker: boolean) =>
      [...press("4", 1, 0), ...press("4", 8, 2000)].map((packet) => ({ ...packet, marker }));
    expect(keysOf(marked(true))).toBe("44");
    wasm.call["dtmfReset"]!(receiver);
    expect(keysOf(marked(false))).toBe("44");
  });

  it("presses that begin with a duration of 0 three times, marked", () => {
    const opening = [0, 1, 2].map((seq) => ({ seq, timestamp: 9, marker: true, payload: event("9", 0) }));
    expect(keysOf([...opening, ...press("9", 3, 9)])).toBe("9");
  });

  it("DTMF-4: a duration that goes back within a press is no new press", () => {
    const durations = [160, 480, 320, 640, 160, 800];
    expect(keysOf(durations.map((d, seq) => ({ seq, timestamp: 9, payload: event("9", d) })))).toBe("9");
  });
});

describe("RFC 4733 2.5.1 what is sent", () => {
  it.each([40, 100, 250, 8000])("a key of %i ms: marker once, growing durations, three ends", (ms) => {
    wasm.call["dtmfSendBegin"]!(sender, 11, 4711, ms * 8);
    const sent: { flags: number; event: number; end: boolean; volume: number; duration: number }[] = [];
    for (;;) {
      const flags = wasm.call["dtmfSendStep"]!(sender, payload);
      if (flags < 0) break;
      const [code, bits, high, low] = wasm.read(payload, 4);
      sent.push({ flags, event: code!, end: bits! >= 0x80, volume: bits! & 63, duration: high! * 256 + low! });
    }
    const steps = Math.ceil(ms / 20);
    expect(sent.map(({ duration }) => duration)).toEqual(
      Array.from({ length: steps + 2 }, (_, i) => Math.min((i + 1) * 160, ms * 8)),
    );
    expect(sent.map(({ end }) => end)).toEqual([...Array<boolean>(steps - 1).fill(false), true, true, true]);
    const [marker, more] = [wasm.constant("DTMF_STEP_MARKER"), wasm.constant("DTMF_STEP_MORE")];
    expect(sent.map(({ flags }) => (flags & marker) !== 0)).toEqual(sent.map((_, i) => i === 0));
    expect(sent.map(({ flags }) => (flags & more) !== 0)).toEqual(sent.map((_, i) => i < sent.length - 1));
    expect(sent.every(({ event: code, volume }) => code === 11 && volume === 10)).toBe(true);
  });
});
