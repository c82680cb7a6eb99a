/**
 * What is heard in legs beside the far end: the part of MediaCore that plays into legs, and mixes and announces in
 * conferences. A part of its own only so that both can be read in one sitting.
 */

import { checkOctets } from "./checks.ts";
import { type ConferenceOptions, Conferences, type MemberOptions } from "./conferences.ts";
import type { LegEvent } from "./media-events.ts";
import { legRings, Playback } from "./playback.ts";
import type { WasmEngine } from "./wasm-engine.ts";

/** Playing, conferences and their ports; made as a MediaCore. */
export abstract class CoreAudio {
  /** Conferences that may be open at once. */
  readonly conferenceCountMax: number;
  readonly #playback: Playback;
  readonly #conferences: Conferences;

  protected constructor(engine: WasmEngine, conferenceCountMax: number, playbackSecondsMax: number) {
    this.conferenceCountMax = conferenceCountMax;
    this.#playback = new Playback(engine, legRings(engine.exports), playbackSecondsMax);
    this.#conferences = new Conferences(engine, conferenceCountMax, playbackSecondsMax);
  }

  /** @throws MediaError MEDIA_NO_LEG */
  protected abstract checkLeg(leg: number): void;

  /**
   * Queues mu-law octets (8000 Hz, mono) to be played to the far end of `leg`, behind all that wait; they are copied.
   * Pieces of any length are joined without a gap. Played while the leg is neither bridged nor held; in a conference it
   * is heard by this leg alone, over the others.
   * @returns how many octets had room: fewer than given when `playbackSecondsMax` is full, and the rest was not taken
   * @throws MediaError MEDIA_NO_LEG; TypeError
   */
  play(leg: number, octets: Uint8Array): number {
    this.checkLeg(leg);
    return this.#playback.append(leg, octets);
  }

  /**
   * Puts a mark behind what was queued by `play`. The event `mark` comes when all octets before it have left as RTP, at
   * the next `forEachEvent` when none wait. One event for each mark, in order, names repeated or not.
   * @param name - up to 65,536 characters
   * @returns false when 10,000 marks wait; it is dropped then
   * @throws MediaError MEDIA_NO_LEG; TypeError or RangeError
   */
  playMark(leg: number, name: string): boolean {
    this.checkLeg(leg);
    return this.#playback.mark(leg, name);
  }

  /** Drops all that was queued: silence from the next packet on, and all marks that wait are told. @throws MediaError */
  playClear(leg: number): void {
    this.checkLeg(leg);
    this.#playback.clear(leg);
  }

  /** Octets queued by `play` that have not left yet; 8 are a millisecond. @throws MediaError MEDIA_NO_LEG */
  playQueued(leg: number): number {
    this.checkLeg(leg);
    return this.#playback.queued(leg);
  }

  /**
   * Octets that the leg's ring inside the engine has room for, 2048 (256 ms) at most; 0 when it is not open. The ring is
   * for owners that keep a queue of their own; use either it or `play` on a leg.
   */
  playbackRoom(leg: number): number {
    return this.#playback.room(leg);
  }

  /** Writes mu-law octets `start` to `end` of `octets` into the ring; returns how many there was room for. */
  playbackWrite(leg: number, octets: Uint8Array, start = 0, end = octets.length): number {
    checkOctets(octets, "octets");
    return this.#playback.write(leg, octets, start, end);
  }

  /** Drops what is in the ring; silence from the next packet on. */
  playbackClear(leg: number): void {
    this.#playback.clearRing(leg);
  }

  /** Octets of playback that have left as RTP since the leg was opened, modulo 2^32: the place of marks. */
  playedOctets(leg: number): number {
    return this.#playback.played(leg);
  }

  /**
   * Opens a conference: its legs hear each other, mixed every 20 ms, each without itself. Silent legs are left out of the
   * mix, sums that are too loud are limited, one voice is as loud for many as for one.
   * @returns its number, 0 to `conferenceCountMax` - 1, free to be used again after `closeConference`
   * @throws MediaError MEDIA_FULL; TypeError or RangeError naming a wrong option
   */
  openConference(options: ConferenceOptions = {}): number {
    return this.#conferences.open(options);
  }

  /** Ends a conference; its legs stay open and hear their own playback or silence. @throws MediaError MEDIA_NO_CONFERENCE */
  closeConference(conference: number): void {
    this.#conferences.close(conference);
  }

  /**
   * Puts a leg into a conference, or changes how it takes part; absent options are false. It leaves its bridge or its
   * conference before. Taps on it: inbound is what it says, muted or not; outbound is what it hears.
   * @throws MediaError MEDIA_NO_CONFERENCE, MEDIA_NO_LEG, MEDIA_FULL; TypeError naming a wrong option
   */
  joinConference(conference: number, leg: number, options: MemberOptions = {}): void {
    this.checkLeg(leg);
    this.#conferences.join(conference, leg, options);
  }

  /** Takes a leg out of its conference, if it is in one. @throws MediaError MEDIA_NO_LEG */
  leaveConference(leg: number): void {
    this.checkLeg(leg);
    this.#conferences.leave(leg);
  }

  /** The conference that a leg is in, or -1. */
  conferenceOf(leg: number): number {
    return this.#conferences.of(leg);
  }

  /** Legs that are in a conference. @throws MediaError MEDIA_NO_CONFERENCE */
  conferenceSize(conference: number): number {
    return this.#conferences.size(conference);
  }

  /**
   * Queues mu-law octets to be heard by everybody in a conference who is not deaf, over those who speak; like `play`.
   * @returns how many had room
   * @throws MediaError MEDIA_NO_CONFERENCE; TypeError
   */
  announce(conference: number, octets: Uint8Array): number {
    this.#conferences.check(conference);
    return this.#conferences.announcements.append(conference, octets);
  }

  /** Drops what is announced. @throws MediaError MEDIA_NO_CONFERENCE */
  announceClear(conference: number): void {
    this.#conferences.check(conference);
    this.#conferences.announcements.clear(conference);
  }

  /** Octets of announcements that were not mixed yet. @throws MediaError MEDIA_NO_CONFERENCE */
  announceQueued(conference: number): number {
    this.#conferences.check(conference);
    return this.#conferences.announcements.queued(conference);
  }

  /**
   * Opens a port: a participant of a conference whose audio comes and goes as blocks of samples instead of RTP, such as the
   * other half of the conference in another worker, or a recorder of the whole mix. Up to 8 a conference.
   * @throws MediaError MEDIA_NO_CONFERENCE, MEDIA_FULL
   */
  openConferencePort(conference: number): number {
    return this.#conferences.openPort(conference);
  }

  /** Closes a port; closing its conference does so too. @throws MediaError MEDIA_NO_CONFERENCE */
  closeConferencePort(port: number): void {
    this.#conferences.closePort(port);
  }

  /**
   * Gives 20 ms to a conference: 160 linear 16-bit samples, which are copied. Mixed one block a frame.
   * @returns false while four blocks wait
   * @throws MediaError MEDIA_NO_CONFERENCE; TypeError or RangeError
   */
  conferencePush(port: number, samples: Int16Array): boolean {
    return this.#conferences.push(port, samples);
  }

  /**
   * Takes the oldest 20 ms of what a port hears: all of the conference but what it pushed. Four blocks are kept.
   * @returns false when none waits
   * @throws MediaError MEDIA_NO_CONFERENCE; TypeError or RangeError
   */
  conferencePull(port: number, into: Int16Array): boolean {
    return this.#conferences.pull(port, into);
  }

  /** To be called after every tick. */
  protected fillRings(): void {
    this.#playback.fill();
    this.#conferences.announcements.fill();
  }

  /** True when a mark has become due. */
  protected get isMarkDue(): boolean {
    return this.#playback.isMarkDue;
  }

  /** Adds the marks that have become due. */
  protected takeMarks(into: LegEvent[]): void {
    this.#playback.takeMarks(into);
  }

  /** The leg is closed; what waits to be played goes with it. */
  protected forgetPlayback(leg: number): void {
    this.#playback.forget(leg);
  }
}
