/** The kernels alone, as `tandem/media` exports them: against references, with wrong arguments, opened and closed for ever. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { MediaKernels } from "../../src/media/kernels/media-kernels.ts";
import type { SrtpSession } from "../../src/media/kernels/srtp.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { deriveKeys, protectRtcp, protectRtp } from "../support/srtp-reference.ts";

const kernels = MediaKernels.createSync();
const vector = (name: string) => readFileSync(new URL(`../vectors/g711/${name}`, import.meta.url));
const keySalt = Uint8Array.from({ length: 30 }, (_, i) => i * 7 + 1);
const KEY_80 = { suite: "AES_CM_128_HMAC_SHA1_80", keySalt } as const;
const KEY_32 = { suite: "AES_CM_128_HMAC_SHA1_32", keySalt } as const;

function rtp(sequence: number, octets = 160, ssrc = 0x1234): Buffer {
  const packet = Buffer.alloc(12 + octets, sequence & 0xff);
  packet[0] = 0x80;
  packet[1] = 0;
  packet.writeUInt16BE(sequence & 0xffff, 2);
  packet.writeUInt32BE((sequence * 160) >>> 0, 4);
  packet.writeUInt32BE(ssrc, 8);
  return packet;
}
const withRoom = (packet: Buffer): Buffer => Buffer.concat([packet, Buffer.alloc(16)]);

describe("SrtpSession (RFC 3711)", () => {
  const opened: SrtpSession[] = [];
  const open = (key: Parameters<MediaKernels["openSrtp"]>[0]): SrtpSession => {
    const session = kernels.openSrtp(key);
    opened.push(session);
    return session;
  };
  afterEach(() => {
    for (const session of opened.splice(0)) session.close();
  });

  it.each([
    [KEY_80, 10],
    [KEY_32, 4],
  ])("§3.3: protects as the reference does, over a wrap, and takes it apart again (%o)", (key, tagBytes) => {
    const sender = open(key);
    const receiver = open(key);
    const reference = deriveKeys(keySalt);
    for (let sequence = 65_500; sequence < 65_600; sequence++) {
      const packet = rtp(sequence, 100 + (sequence % 60));
      const buffer = withRoom(packet);
      const length = sender.protect(buffer, packet.length);
      const roc = sequence >> 16;
      expect(buffer.subarray(0, length).equals(protectRtp(reference, packet, roc, tagBytes))).toBe(true);
      expect(receiver.unprotect(buffer, length)).toBe(packet.length);
      expect(buffer.subarray(0, packet.length).equals(packet)).toBe(true);
    }
    expect(receiver.rolloverCounter(0x1234)).toBe(1);
    expect(receiver.sources).toBe(1);
  });

  it("§3.3.2, §3.4: refuses replays and forgeries by name, leaves their octets, and keeps no state of them", () => {
    const sender = open(KEY_80);
    const receiver = open(KEY_80);
    const buffer = withRoom(rtp(1));
    const length = sender.protect(buffer, 172);
    const forged = Buffer.from(buffer);
    forged[20]! ^= 1;
    const before = Buffer.from(forged);
    expect(kernels.refusalOf(receiver.unprotect(forged, length))).toBe("auth-failed");
    expect(forged.equals(before)).toBe(true);
    expect(receiver.sources).toBe(0);
    const again = Buffer.from(buffer);
    expect(receiver.unprotect(buffer, length)).toBe(172);
    expect(kernels.refusalOf(receiver.unprotect(again, length))).toBe("replayed");
    expect(kernels.refusalOf(receiver.unprotect(again, 5))).toBe("too-short");
  });

  it("§3.4: SRTCP equals the reference and comes back", () => {
    const sender = open(KEY_32);
    const receiver = open(KEY_32);
    const report = Buffer.from("80c90001000012340000000000000000", "hex").subarray(0, 8);
    const buffer = withRoom(report);
    const length = sender.protectRtcp(buffer, report.length);
    expect(length).toBe(report.length + 14);
    expect(buffer.subarray(0, length).equals(protectRtcp(deriveKeys(keySalt, true), report, 1))).toBe(true);
    expect(receiver.unprotectRtcp(buffer, length)).toBe(report.length);
    expect(buffer.subarray(0, report.length).equals(report)).toBe(true);
  });

  it("a batch of many sessions gives what one after the other gives", () => {
    const random = seededRandom(7);
    const keys = Array.from({ length: 5 }, () => Uint8Array.from({ length: 30 }, () => Math.floor(random() * 256)));
    const senders = keys.map((one) => open({ suite: KEY_80.suite, keySalt: one }));
    const receivers = keys.map((one) => open({ suite: KEY_80.suite, keySalt: one }));
    const batch = kernels.openSrtpBatch(23);
    for (let i = 0; i < 23; i++) expect(batch.push(senders[i % 5]!, rtp(i, 20 + i * 7), 32 + i * 7)).toBe(i);
    expect(batch.push(senders[0]!, rtp(99), 172)).toBe(-1);
    batch.protect();
    const out = Buffer.alloc(1600);
    for (let i = 0; i < 23; i++) {
      batch.read(i, out);
      const wanted = protectRtp(deriveKeys(keys[i % 5]!), rtp(i, 20 + i * 7), 0, 10);
      expect(out.subarray(0, batch.length(i)).equals(wanted)).toBe(true);
      expect(receivers[i % 5]!.unprotect(out, batch.length(i))).toBe(32 + i * 7);
    }
    batch.close();
  });

  it("a missing place for the tag is told before a sequence number is used up", () => {
    const sender = open(KEY_80);
    expect(() => sender.protect(rtp(1), 172)).toThrow(
      new RangeError("packet must have room for 10 octets behind length"),
    );
    expect(sender.protect(withRoom(rtp(1)), 172)).toBe(182);
  });

  it("wrong arguments are named; a closed session says so, and its keys are gone from memory", () => {
    expect(() => kernels.openSrtp({ ...KEY_80, keySalt: new Uint8Array(16) })).toThrow(
      /key\.keySalt must have 30 octets, not 16/,
    );
    expect(() => kernels.openSrtp({ ...KEY_80, suite: "AES_256" as never })).toThrow(
      /key\.suite is not one of the suites/,
    );
    expect(() => kernels.openSrtp(null as never)).toThrow(/key must be an object/);
    const session = kernels.openSrtp(KEY_80);
    expect(() => session.protect([] as never, 0)).toThrow(/packet must be a Uint8Array/);
    const batch = kernels.openSrtpBatch(1);
    expect(() => batch.push(session, rtp(1), 5000)).toThrow(/length must be 0 to 172/);
    const { address } = session;
    session.close();
    session.close();
    expect(batch.bytes.subarray(address, address + 832).every((octet) => octet === 0)).toBe(true);
    expect(() => session.protect(withRoom(rtp(1)), 172)).toThrow(/closed/);
    expect(() => batch.push(session, rtp(1), 172)).toThrow(/session must be open/);
    const octets = Buffer.from(batch.bytes.buffer);
    expect(octets.includes(Buffer.from(keySalt)), "the master key is still in memory").toBe(false);
    batch.close();
  });
});

describe("G711 (ITU-T G.711)", () => {
  const every = Int16Array.from({ length: 65_536 }, (_, i) => i - 32_768);

  it.each([
    ["PCMU", "pcmu-encode-65536.bin"],
    ["PCMA", "pcma-encode-65536.bin"],
  ] as const)("%s: all 65,536 encodings", (codec, file) => {
    const out = new Uint8Array(65_536);
    expect(kernels.g711.encode(codec, every, out)).toBe(65_536);
    expect(Buffer.from(out).equals(vector(file))).toBe(true);
    const codes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const back = new Int16Array(256);
    kernels.g711.decode(codec, codes, back);
    const table = Object.values(JSON.parse(vector(`${codec.toLowerCase()}-decode.json`).toString()) as object).find(
      (value) => Array.isArray(value) && value.length === 256,
    );
    expect([...back]).toEqual(table);
  });

  it("transcodes in place, any length", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), (octets) => {
        const there = new Uint8Array(octets.length);
        expect(kernels.g711.transcode("PCMU", octets, there)).toBe(octets.length);
        const inPlace = Uint8Array.from(octets);
        kernels.g711.transcode("PCMU", inPlace, inPlace);
        expect(inPlace).toEqual(there);
      }),
      { numRuns: 50 },
    );
  });

  it("wrong arguments are named", () => {
    const short = new Uint8Array(1);
    expect(() => kernels.g711.encode("PCMU", new Int16Array(2), short)).toThrow(/out must hold 2 items, it holds 1/);
    expect(() => kernels.g711.encode("G729" as never, new Int16Array(1), short)).toThrow(/codec must be/);
    expect(() => kernels.g711.decode("PCMA", short, new Uint8Array(1) as never)).toThrow(/out must be an Int16Array/);
  });
});

describe("JitterBuffer", () => {
  it("RFC 3550: puts packets in order, drops duplicates, and plays all that was sent", () => {
    const buffer = kernels.openJitterBuffer(40);
    const out = new Uint8Array(160);
    const payload = (n: number) => new Uint8Array(160).fill(0x80 + (n % 0x60));
    const heard: number[] = [];
    const order = [0, 2, 1, 3, 4, 6, 5, 7, 8, 9];
    for (let tick = 0; tick < 30; tick++) {
      const nowMs = tick * 20;
      const n = order[tick];
      if (n !== undefined) expect(buffer.insert(n, n * 160, n === 0, "PCMU", payload(n), nowMs)).toBe(true);
      if (tick === 3) expect(buffer.insert(2, 320, false, "PCMU", payload(2), nowMs)).toBe(false);
      // The buffer may stretch a frame over two ticks while it learns how late packets come.
      if (buffer.take(out, nowMs) === "normal" && heard.at(-1) !== out[0]! - 0x80) heard.push(out[0]! - 0x80);
    }
    expect(heard).toEqual([...order].sort((a, b) => a - b));
    expect(buffer.duplicateCount + buffer.lateCount).toBe(1);
    buffer.close();
    expect(() => buffer.take(out, 0)).toThrow(/closed/);
  });

  it("wrong arguments are named", () => {
    const buffer = kernels.openJitterBuffer();
    expect(() => buffer.take(new Uint8Array(10), 0)).toThrow(/out must hold 160 items/);
    expect(() => buffer.insert(0, 0, false, "PCMU", "x" as never, 0)).toThrow(/payload must be a Uint8Array/);
    expect(() => kernels.openJitterBuffer(500)).toThrow(/startMs/);
    buffer.close();
  });
});

describe("StreamFramer and MediaMessageReader (media-streams.md 4.3, 6.2; RFC 6455 §5.3)", () => {
  it("a frame is masked JSON that its own reader understands", () => {
    const framer = kernels.openStreamFramer("MZ00000000000000000000000000000001");
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 2048 }),
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        (ulaw, number) => {
          const length = framer.write("outbound", number, number, number, ulaw, number);
          const frame = Buffer.from(framer.bytes.subarray(framer.offset, framer.offset + length));
          expect(frame[0]).toBe(0x81);
          expect(frame[1]).toBe(0xfe);
          const text = frame.subarray(8).map((octet, i) => octet ^ frame[4 + (i & 3)]!);
          expect(frame.readUInt16BE(2)).toBe(text.length);
          const message = JSON.parse(text.toString());
          expect(message).toEqual({
            event: "media",
            sequenceNumber: String(number),
            media: {
              track: "outbound",
              chunk: String(number),
              timestamp: String(number),
              payload: Buffer.from(ulaw).toString("base64"),
            },
            streamSid: "MZ00000000000000000000000000000001",
          });
          const sent = JSON.stringify({
            event: "media",
            streamSid: message.streamSid,
            media: { payload: message.media.payload },
          });
          const octets = kernels.messages.read(Buffer.from(sent));
          const { bytes, offset } = kernels.messages;
          expect(Buffer.from(bytes.subarray(offset, offset + octets)).equals(Buffer.from(ulaw))).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
    framer.close();
  });

  it("other messages are -1, wrong arguments are named", () => {
    expect(kernels.messages.read(Buffer.from('{"event":"clear","streamSid":"MZ1"}'))).toBe(-1);
    expect(kernels.messages.read(Buffer.alloc(70_000))).toBe(-1);
    expect(() => kernels.openStreamFramer('a"b')).toThrow(/streamSid must be 1 to 64/);
    const framer = kernels.openStreamFramer("MZ1");
    expect(() => framer.write("both" as never, 1, 1, 1, new Uint8Array(160), 1)).toThrow(/track must be/);
    expect(() => framer.write("inbound", 1, 1, 1, new Uint8Array(0), 1)).toThrow(/ulaw must have 1 to 2048 octets/);
    framer.close();
  });
});

describe("memory", () => {
  it("is fixed: opening and closing a hundred thousand times needs no more, opening too much says what to do", () => {
    const small = MediaKernels.createSync({ memoryBytes: 1024 * 1024 });
    for (let i = 0; i < 100_000; i++) small.openSrtp(KEY_80).close();
    const open = () => {
      for (let i = 0; i < 10_000; i++) small.openJitterBuffer();
    };
    expect(open).toThrow(/used up: close what is done, or raise memoryBytes/);
    expect(() => MediaKernels.createSync({ memoryBytes: 5 })).toThrow(/memoryBytes/);
  });
});
