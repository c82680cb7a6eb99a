/**
 * Audio that a consumer sent and that waits to be heard, with the marks between it (media-streams.md 6.2 to 6.4). One
 * first-in first-out queue of mu-law octets, joined without regard to message borders; the engine's small ring is kept
 * filled from it. A mark is due when every octet before it has left as RTP. Sends nothing itself.
 */

/** The end of a leg's playback ring that takes octets. */
export interface PlaybackSink {
  /** Octets that can be written now. */
  room(): number;
  /** Hands over octets `start` (default: the first) to `end` (the last), at most `room()`. @returns how many were taken */
  write(octets: Uint8Array, start?: number, end?: number): number;
  /** Drops what was written and is not played yet. */
  clear(): void;
  /** Octets taken out of the ring for RTP since the leg was opened; may wrap at 32 bits, never counts padding. */
  playedOctets(): number;
}

/** Bounds of a {@link PlaybackQueue}. */
export interface PlaybackLimits {
  readonly octetsMax: number;
  readonly marksMax: number;
}

/** Names of waiting marks, octets in all: 10,000 names of 64 KiB each would be 640 MB. */
const MARK_NAME_CHARACTERS_MAX = 4 * 1024 * 1024;
/** Small messages are gathered in blocks of a second, so that a million of one octet cost no more than one big one. */
const BLOCK_OCTETS = 8000;

interface Mark {
  readonly name: string;
  /** Due when this many octets of the queue's count have been played. */
  readonly atOctet: number;
}

export class PlaybackQueue {
  readonly #sink: PlaybackSink;
  readonly #limits: PlaybackLimits;
  /** Octets not yet in the ring: blocks from `#headIndex` on, the first from `#headOffset` on. */
  #blocks: Uint8Array[] = [];
  #headIndex = 0;
  #headOffset = 0;
  /** Octets used of the last block. */
  #tailUsed = BLOCK_OCTETS;
  #marks: Mark[] = [];
  #firstMark = 0;
  #markCharacters = 0;
  /** Counts since the start of the stream: taken from the consumer, handed to the ring, played. */
  #appended = 0;
  #written = 0;
  #played = 0;
  #lastPlayed: number;

  constructor(sink: PlaybackSink, limits: PlaybackLimits) {
    this.#sink = sink;
    this.#limits = limits;
    this.#lastPlayed = sink.playedOctets();
  }

  /** Octets that are not played yet. */
  get queuedOctets(): number {
    return this.#appended - this.#played;
  }

  /** True when nothing is left to play and no mark waits: {@link advance} would do nothing. */
  get isIdle(): boolean {
    return this.queuedOctets === 0 && this.#firstMark === this.#marks.length;
  }

  /**
   * Queues octets behind all others; they are copied.
   * @returns how many had room; the rest is dropped
   */
  append(octets: Uint8Array): number {
    const count = Math.min(octets.length, this.#limits.octetsMax - this.queuedOctets);
    let from = 0;
    while (from < count) {
      if (this.#tailUsed === BLOCK_OCTETS) {
        this.#blocks.push(new Uint8Array(BLOCK_OCTETS));
        this.#tailUsed = 0;
      }
      const block = this.#blocks[this.#blocks.length - 1]!;
      const part = Math.min(count - from, BLOCK_OCTETS - this.#tailUsed);
      block.set(octets.subarray(from, from + part), this.#tailUsed);
      this.#tailUsed += part;
      from += part;
    }
    this.#appended += count;
    return count;
  }

  /** Queues a mark behind all octets. @returns false when too many wait already; it is dropped then */
  mark(name: string): boolean {
    const waiting = this.#marks.length - this.#firstMark;
    if (waiting >= this.#limits.marksMax || this.#markCharacters + name.length > MARK_NAME_CHARACTERS_MAX) return false;
    this.#marks.push({ name, atOctet: this.#appended });
    this.#markCharacters += name.length;
    return true;
  }

  /** Drops all audio; every waiting mark is due (6.4) and comes with the next {@link advance}. */
  clear(): void {
    this.#countPlayed();
    this.#sink.clear();
    // What is not played is not left to lie about (R-COMP-7).
    for (const block of this.#blocks) block.fill(0);
    this.#blocks = [];
    this.#headIndex = 0;
    this.#headOffset = 0;
    this.#tailUsed = BLOCK_OCTETS;
    // Marks stand at octets that will now never be played.
    this.#played = this.#appended;
    this.#written = this.#appended;
  }

  /** Fills the ring and hands each mark that has become due to `onMark`, in order. */
  advance(onMark: (name: string) => void): void {
    this.fill();
    this.takeMarks(onMark);
  }

  /** Fills the ring. */
  fill(): void {
    this.#countPlayed();
    this.#fillRing();
  }

  /** True when {@link takeMarks} would hand over a mark. */
  get isMarkDue(): boolean {
    if (this.#firstMark === this.#marks.length) return false;
    this.#countPlayed();
    return this.#marks[this.#firstMark]!.atOctet <= this.#played;
  }

  /** Hands each mark that has become due to `onMark`, in order. */
  takeMarks(onMark: (name: string) => void): void {
    this.#countPlayed();
    while (this.#firstMark < this.#marks.length) {
      const mark = this.#marks[this.#firstMark]!;
      if (mark.atOctet > this.#played) break;
      this.#firstMark++;
      this.#markCharacters -= mark.name.length;
      onMark(mark.name);
    }
    if (this.#firstMark > 64 && this.#firstMark * 2 > this.#marks.length) {
      this.#marks = this.#marks.slice(this.#firstMark);
      this.#firstMark = 0;
    }
  }

  #countPlayed(): void {
    const now = this.#sink.playedOctets();
    const delta = (now - this.#lastPlayed) >>> 0;
    this.#lastPlayed = now;
    this.#played = Math.min(this.#played + delta, this.#written);
  }

  #fillRing(): void {
    while (this.#written < this.#appended) {
      const block = this.#blocks[this.#headIndex]!;
      const isLast = this.#headIndex === this.#blocks.length - 1;
      const upTo = isLast ? this.#tailUsed : BLOCK_OCTETS;
      const part = Math.min(this.#sink.room(), upTo - this.#headOffset);
      if (part <= 0) return;
      const taken = this.#sink.write(block, this.#headOffset, this.#headOffset + part);
      if (taken <= 0) return;
      this.#headOffset += taken;
      this.#written += taken;
      if (this.#headOffset === BLOCK_OCTETS) this.#dropHead();
    }
  }

  #dropHead(): void {
    this.#headOffset = 0;
    this.#headIndex++;
    if (this.#headIndex === this.#blocks.length) {
      this.#blocks = [];
      this.#headIndex = 0;
      this.#tailUsed = BLOCK_OCTETS;
    } else if (this.#headIndex >= 32) {
      this.#blocks.splice(0, this.#headIndex);
      this.#headIndex = 0;
    }
  }
}
