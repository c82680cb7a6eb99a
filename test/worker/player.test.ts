import { describe, expect, it } from "vitest";
import type { AudioSource } from "../../src/worker/audio-source.ts";
import { DigitSender, type DigitSink } from "../../src/worker/digits.ts";
import { Player } from "../../src/worker/player.ts";
import { PlaybackRing } from "../support/playback-ring.ts";

/** A source of counting octets. */
function counting(length: number): AudioSource {
  let at = 0;
  return {
    durationMs: length / 8,
    read(target) {
      const count = Math.min(target.length, length - at);
      for (let i = 0; i < count; i++) target[i] = (at + i) % 250;
      at += count;
      return count;
    },
    rewind() {
      at = 0;
    },
  };
}

/** Plays to the end, or for `framesMax` frames. */
function play(player: Player, ring: PlaybackRing, framesMax = 1000): { ended: boolean; audio: Buffer } {
  let ended = player.advance();
  for (let frame = 0; !ended && frame < framesMax; frame++) {
    ring.tick();
    ended = player.advance();
  }
  return { ended, audio: Buffer.concat(ring.frames) };
}

describe("player", () => {
  it("plays a source to its last octet and knows when that has left", () => {
    const ring = new PlaybackRing();
    const { ended, audio } = play(new Player(1, counting(1000), 1, ring), ring);
    expect(ended).toBe(true);
    expect(audio.subarray(0, 1000).every((octet, i) => octet === i % 250)).toBe(true);
    expect(ring.frames.length).toBe(7);
  });

  it("repeats without a gap between the passes", () => {
    const ring = new PlaybackRing();
    const { audio } = play(new Player(1, counting(250), 3, ring), ring);
    expect(audio.subarray(0, 750).every((octet, i) => octet === i % 250)).toBe(true);
    expect(audio.subarray(750).every((octet) => octet === 0xff)).toBe(true);
  });

  it("loop 0 goes on for ever", () => {
    const ring = new PlaybackRing();
    const { ended, audio } = play(new Player(1, counting(250), 0, ring), ring, 500);
    expect(ended).toBe(false);
    expect(audio.every((octet, i) => octet === i % 250)).toBe(true);
  });

  it("a source without any octet ends at once, even for ever", () => {
    const ring = new PlaybackRing();
    expect(new Player(1, counting(0), 0, ring).advance()).toBe(true);
  });

  it("keeps the ring ahead by little, so that stopping is heard at once", () => {
    const ring = new PlaybackRing();
    const player = new Player(1, counting(100_000), 1, ring);
    player.advance();
    expect(2048 - ring.room()).toBe(960);
    player.stop();
    expect(ring.room()).toBe(2048);
  });

  it("works with a ring that takes less than it has room for", () => {
    const ring = new PlaybackRing(200);
    const { audio } = play(new Player(1, counting(1000), 1, ring), ring);
    expect(audio.subarray(0, 1000).every((octet, i) => octet === i % 250)).toBe(true);
  });

  it("does not count what others have played before", () => {
    const ring = new PlaybackRing(2048, 2 ** 32 - 10);
    ring.write(Buffer.alloc(500));
    ring.tick();
    ring.clear();
    const { ended, audio } = play(new Player(1, counting(320), 1, ring), ring);
    expect(ended).toBe(true);
    expect(audio.subarray(160, 480).every((octet, i) => octet === i % 250)).toBe(true);
  });
});

/** A far end that takes events one by one, each lasting 150 ms of the test's time. */
class PlayedSink implements DigitSink {
  readonly sent: string[] = [];
  pending = 0;
  room = 32;

  sendDigit(digit: string): boolean {
    if (this.pending >= this.room) return false;
    this.pending++;
    this.sent.push(digit);
    return true;
  }
  digitsPending(): number {
    return this.pending;
  }
}

describe("digits (DTMF-2, twiml.md sendDigits)", () => {
  it("hands all events over at once and is done when the last has gone out", () => {
    const sink = new PlayedSink();
    const sender = new DigitSender("12#d", sink);
    expect(sender.advance(0)).toBe(false);
    expect(sink.sent).toEqual(["1", "2", "#", "d"]);
    sink.pending = 1;
    expect(sender.advance(5)).toBe(false);
    sink.pending = 0;
    expect(sender.advance(10)).toBe(true);
  });

  it("w waits 500 ms and W 1000 ms from when the digits before have gone out", () => {
    const sink = new PlayedSink();
    const sender = new DigitSender("1wW2", sink);
    sender.advance(0);
    expect(sender.advance(100)).toBe(false);
    sink.pending = 0;
    sender.advance(150);
    sender.advance(649);
    expect(sink.sent).toEqual(["1"]);
    sender.advance(650);
    sender.advance(1649);
    expect(sink.sent).toEqual(["1"]);
    sender.advance(1650);
    expect(sink.sent).toEqual(["1", "2"]);
  });

  it("a pause at the end is waited out", () => {
    const sender = new DigitSender("w", new PlayedSink());
    expect(sender.advance(0)).toBe(false);
    expect(sender.advance(499)).toBe(false);
    expect(sender.advance(500)).toBe(true);
  });

  it("waits while the engine's queue is full", () => {
    const sink = new PlayedSink();
    sink.room = 2;
    const sender = new DigitSender("123", sink);
    sender.advance(0);
    expect(sink.sent.length).toBe(2);
    sink.pending = 1;
    sender.advance(5);
    expect(sink.sent.length).toBe(3);
  });

  it.each(["", "x", "1 2", "1\r\n", "1".repeat(129), "é"])("refuses %j", (digits) => {
    expect(() => new DigitSender(digits, new PlayedSink())).toThrow(RangeError);
  });
});
