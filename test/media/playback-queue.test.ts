import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PlaybackQueue } from "../../src/media/playback-queue.ts";
import { PlaybackRing } from "../support/playback-ring.ts";

function make(limits: { octetsMax?: number; marksMax?: number } = {}, played = 0) {
  const ring = new PlaybackRing(2048, played);
  const queue = new PlaybackQueue(ring, { octetsMax: 4_800_000, marksMax: 10_000, ...limits });
  const echoed: string[] = [];
  const advance = () => queue.advance((name) => echoed.push(name));
  /** One frame leaves, then the owner looks after the queue, as a worker does. */
  const tick = () => {
    ring.tick();
    advance();
  };
  return { ring, queue, echoed, advance, tick };
}

/** Octets that tell their place. */
function pattern(length: number, from = 0): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (from + i) % 251));
}

describe("media-streams.md 6.2: audio from the consumer", () => {
  it("14.6: messages of 1, 159, 160, 161 and 8001 octets are joined without a gap", () => {
    const { ring, queue, advance, tick } = make();
    let total = 0;
    for (const length of [1, 159, 160, 161, 8001]) {
      expect(queue.append(pattern(length, total))).toBe(length);
      total += length;
    }
    advance();
    while (!queue.isIdle) tick();
    const played = Buffer.concat(ring.frames);
    expect(played.subarray(0, total)).toEqual(pattern(total));
    expect(played.subarray(total)).toEqual(Buffer.alloc(played.length - total, 0xff));
    expect(ring.frames.length).toBe(Math.ceil(total / 160));
  });

  it("any cut of any audio plays the same", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9000 }), { maxLength: 12 }), (lengths) => {
        const { ring, queue, advance, tick } = make();
        let total = 0;
        for (const length of lengths) {
          queue.append(pattern(length, total));
          total += length;
          advance();
        }
        while (!queue.isIdle) tick();
        expect(Buffer.concat(ring.frames).subarray(0, total).equals(pattern(total))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it("drops what is over the limit and takes more when some has been played", () => {
    const { queue, advance, tick } = make({ octetsMax: 1000 });
    expect(queue.append(pattern(900))).toBe(900);
    expect(queue.append(pattern(900))).toBe(100);
    expect(queue.append(pattern(1))).toBe(0);
    advance();
    tick();
    expect(queue.append(pattern(900))).toBe(160);
  });

  it("keeps a million tiny messages in little more memory than their octets", () => {
    const { queue } = make();
    const one = new Uint8Array(1);
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 1_000_000; i++) queue.append(one);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4_000_000);
    expect(queue.queuedOctets).toBe(1_000_000);
  });
});

describe("media-streams.md 6.3: marks", () => {
  it("a mark alone is echoed at once", () => {
    const { queue, echoed, advance } = make();
    queue.mark("now");
    advance();
    expect(echoed).toEqual(["now"]);
  });

  it("14.4: 8000 octets and a mark: echoed when the last octet has left, 50 frames later", () => {
    const { queue, echoed, advance, tick } = make();
    queue.append(pattern(8000));
    queue.mark("end");
    advance();
    for (let frame = 0; frame < 49; frame++) tick();
    expect(echoed).toEqual([]);
    tick();
    expect(echoed).toEqual(["end"]);
  });

  it("echo order is arrival order, duplicates included, each behind its own audio", () => {
    const { queue, echoed, advance, tick } = make();
    queue.append(pattern(160));
    queue.mark("part");
    queue.append(pattern(160));
    queue.mark("part");
    queue.mark("x");
    advance();
    tick();
    expect(echoed).toEqual(["part"]);
    tick();
    expect(echoed).toEqual(["part", "part", "x"]);
  });

  it("does not echo a mark while one octet before it is unplayed", () => {
    const { queue, echoed, advance, tick } = make();
    queue.append(pattern(161));
    queue.mark("end");
    advance();
    tick();
    expect(echoed).toEqual([]);
    tick();
    expect(echoed).toEqual(["end"]);
  });

  it("13: refuses the 10,001st waiting mark, and names of more than a few MB in all", () => {
    const { queue } = make();
    queue.append(pattern(160));
    for (let i = 0; i < 10_000; i++) expect(queue.mark(String(i))).toBe(true);
    expect(queue.mark("one too many")).toBe(false);
    const other = make().queue;
    other.append(pattern(160));
    let taken = 0;
    while (other.mark("n".repeat(65_536))) taken++;
    expect(taken).toBe(64);
  });

  it("keeps counting when the engine's counter of played octets wraps at 32 bits", () => {
    const { queue, echoed, advance, tick } = make({}, 2 ** 32 - 100);
    queue.append(pattern(320));
    queue.mark("behind the wrap");
    advance();
    tick();
    expect(echoed).toEqual([]);
    tick();
    expect(echoed).toEqual(["behind the wrap"]);
  });
});

describe("media-streams.md 6.4: clear", () => {
  it("14.5: drops 30 s of audio and echoes all marks in order at once", () => {
    const { ring, queue, echoed, advance, tick } = make();
    for (let second = 0; second < 30; second++) {
      queue.append(pattern(8000));
      queue.mark(`second ${second}`);
    }
    advance();
    for (let frame = 0; frame < 50; frame++) tick();
    expect(echoed).toEqual(["second 0"]);
    queue.clear();
    advance();
    expect(echoed).toEqual(Array.from({ length: 30 }, (_, second) => `second ${second}`));
    ring.frames.length = 0;
    tick();
    expect(ring.frames).toEqual([Buffer.alloc(160, 0xff)]);
    expect(queue.isIdle).toBe(true);
  });

  it("audio and marks after it are played and echoed normally", () => {
    const { ring, queue, echoed, advance, tick } = make();
    queue.append(pattern(5000));
    advance();
    tick();
    queue.clear();
    queue.append(pattern(160, 7));
    queue.mark("after");
    advance();
    expect(echoed).toEqual([]);
    tick();
    expect(echoed).toEqual(["after"]);
    expect(ring.frames.at(-1)).toEqual(pattern(160, 7));
  });

  it("with an empty queue does nothing", () => {
    const { queue, echoed, advance } = make();
    queue.clear();
    advance();
    expect(echoed).toEqual([]);
    expect(queue.queuedOctets).toBe(0);
  });
});
