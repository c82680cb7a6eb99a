/**
 * One recording: 20 ms frames of both tracks of a tap, put side by side or mixed, into a file that grows (R-REC-4). Nothing is
 * allocated for a frame. With `trim` the silence before the first sound is not written and that behind the last one is cut off
 * again at the end (R-REC-5).
 */

import type { FrameView, Track } from "../media/frame-view.ts";
import { wavFrameBytes } from "../media/wav-header.ts";
import { decodeMulaw, encodeMulaw, MULAW_SILENCE } from "./g711.ts";
import type { RecordingResult, RecordingStart } from "./protocol.ts";
import { WavWriter } from "./wav-writer.ts";

const FRAME_OCTETS = 160;
const RATE_HZ = 8000;
/** Frames of one track that may wait for the other. */
const WAITING_MAX = 4;
/** What stays below, about -42 dB of full scale, is silence. */
const SILENCE_PEAK = 256;
/** Frames of silence that stay at both ends, so that soft beginnings and the last sound's decay are not cut. */
const MARGIN_FRAMES = 5;
/** Each of both buffers of the file, and what is worth a write. */
const BUFFER_SECONDS = 2;
const PIECE_SECONDS = 0.5;

/** Frames of one track that wait. */
class Waiting {
  readonly #octets = new Uint8Array(WAITING_MAX * FRAME_OCTETS);
  #first = 0;
  count = 0;

  add(bytes: Uint8Array, offset: number): void {
    const at = ((this.#first + this.count) % WAITING_MAX) * FRAME_OCTETS;
    for (let i = 0; i < FRAME_OCTETS; i++) this.#octets[at + i] = bytes[offset + i]!;
    this.count++;
  }

  /** Takes the oldest frame, or silence, into `frame`. */
  take(frame: Uint8Array): void {
    if (this.count === 0) {
      frame.fill(MULAW_SILENCE);
      return;
    }
    const at = this.#first * FRAME_OCTETS;
    for (let i = 0; i < FRAME_OCTETS; i++) frame[i] = this.#octets[at + i]!;
    this.#octets.fill(0, at, at + FRAME_OCTETS);
    this.#first = (this.#first + 1) % WAITING_MAX;
    this.count--;
  }
}

export class Recording {
  readonly start: RecordingStart;
  /** Leg that it is tapping. */
  legId: number;
  /** Number of the tap in the engine. */
  tap: number;
  readonly #writer: WavWriter;
  readonly #inbound = new Waiting();
  readonly #outbound = new Waiting();
  readonly #heard = new Uint8Array(FRAME_OCTETS);
  readonly #said = new Uint8Array(FRAME_OCTETS);
  readonly #target: Uint8Array;
  /** Frames of silence before the first sound: the last ones are kept. */
  readonly #lead: Uint8Array | undefined;
  #leadCount = 0;
  #sounded: boolean;
  /** Octets written since the last sound. */
  #silentBytes = 0;
  #inboundFirst: boolean;
  #dataBytes = 0;

  constructor(start: RecordingStart, tap: number, onError: (message: string) => void) {
    const { path, encoding, channels, resume = false, trim = false } = start;
    this.start = start;
    this.legId = start.legId;
    this.tap = tap;
    this.#inboundFirst = start.inboundChannel !== 2;
    const format = { encoding, channels };
    const bytesPerSecond = RATE_HZ * wavFrameBytes(format);
    this.#writer = new WavWriter({
      path,
      format,
      resume,
      onError,
      bufferBytes: bytesPerSecond * BUFFER_SECONDS,
      pieceBytes: bytesPerSecond * PIECE_SECONDS,
    });
    this.#target = new Uint8Array(FRAME_OCTETS * wavFrameBytes(format));
    // Behind a part that was written there is no beginning to cut.
    this.#sounded = !trim || resume;
    this.#lead = this.#sounded ? undefined : new Uint8Array(MARGIN_FRAMES * this.#target.length);
  }

  /** Goes on with the frames of another tap. */
  move(legId: number, tap: number, inboundChannel: 1 | 2): void {
    this.#drain();
    this.legId = legId;
    this.tap = tap;
    this.#inboundFirst = inboundChannel === 1;
  }

  /** @returns false when the file has become as long as it may be */
  accept(frame: FrameView): boolean {
    const track: Track = frame.track;
    (track === "inbound" ? this.#inbound : this.#outbound).add(frame.bytes, frame.offset);
    while (
      (this.#inbound.count > 0 && this.#outbound.count > 0) ||
      this.#inbound.count === WAITING_MAX ||
      this.#outbound.count === WAITING_MAX
    )
      this.#write();
    return this.#dataBytes < (this.start.dataBytesMax ?? Number.POSITIVE_INFINITY);
  }

  /** @param keepTail - silence at the end stays, since more is to follow */
  close(keepTail: boolean): Promise<RecordingResult> {
    this.#drain();
    this.#heard.fill(0);
    this.#said.fill(0);
    this.#target.fill(0);
    this.#lead?.fill(0);
    const margin = MARGIN_FRAMES * this.#target.length;
    const cut = this.start.trim === true && !keepTail ? Math.max(0, this.#silentBytes - margin) : 0;
    return this.#writer.close(cut);
  }

  #drain(): void {
    while (this.#inbound.count + this.#outbound.count > 0) this.#write();
  }

  #write(): void {
    this.#inbound.take(this.#heard);
    this.#outbound.take(this.#said);
    const isSound = this.#fillTarget() > SILENCE_PEAK;
    if (!this.#sounded) {
      if (!isSound) {
        this.#keepLead();
        return;
      }
      this.#sounded = true;
      this.#writeLead();
    }
    this.#put(this.#target);
    if (isSound) this.#silentBytes = 0;
  }

  #put(octets: Uint8Array): void {
    if (!this.#writer.write(octets)) return;
    this.#dataBytes += octets.length;
    this.#silentBytes += octets.length;
  }

  #keepLead(): void {
    const lead = this.#lead!;
    const { length } = this.#target;
    if (this.#leadCount === MARGIN_FRAMES) lead.copyWithin(0, length);
    else this.#leadCount++;
    lead.set(this.#target, (this.#leadCount - 1) * length);
  }

  #writeLead(): void {
    if (this.#leadCount > 0) this.#put(this.#lead!.subarray(0, this.#leadCount * this.#target.length));
    this.#leadCount = 0;
  }

  /** Both tracks as the file has them. @returns the largest sample of both, without its sign */
  #fillTarget(): number {
    const first = this.#inboundFirst ? this.#heard : this.#said;
    const second = this.#inboundFirst ? this.#said : this.#heard;
    const isDual = this.start.channels === 2;
    let peak = 0;
    for (let i = 0; i < FRAME_OCTETS; i++) {
      const a = decodeMulaw(first[i]!);
      const b = decodeMulaw(second[i]!);
      peak = Math.max(peak, Math.abs(a), Math.abs(b));
      if (isDual) {
        this.#sample(2 * i, a, first[i]!);
        this.#sample(2 * i + 1, b, second[i]!);
      } else {
        const sum = Math.max(-32_768, Math.min(32_767, a + b));
        this.#sample(i, sum, -1);
      }
    }
    return peak;
  }

  /** @param code - the same sample as mu-law, or -1 */
  #sample(place: number, sample: number, code: number): void {
    if (this.start.encoding === "mulaw") {
      this.#target[place] = code < 0 ? encodeMulaw(sample) : code;
      return;
    }
    this.#target[2 * place] = sample & 0xff;
    this.#target[2 * place + 1] = (sample >> 8) & 0xff;
  }
}
