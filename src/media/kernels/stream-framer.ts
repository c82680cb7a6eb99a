/**
 * The Media Streams wire alone: `media` messages as whole masked WebSocket text frames, written in one pass, and the payload of
 * the messages that consumers send.
 */

import { checkOctets } from "../checks.ts";
import type { Track } from "../frame-view.ts";
import { checkStreamSid } from "../stream-slots.ts";
import type { KernelMemory } from "./kernel-memory.ts";

const PAYLOAD_BYTES_MAX = 2048;
/** Frame header, JSON with the longest numbers and sid, and what the kernel may overrun. */
const FRAME_ROOM_BYTES = 512;
const MESSAGE_BYTES_MAX = 65_536;
/** A length of the streamSid that takes messages of any stream. */
const ANY_STREAM = -1;

/** Writes the messages of one stream. The owner counts: sequence numbers, chunks and times are arguments. */
export class StreamFramer {
  readonly #memory: KernelMemory;
  readonly #template: number;
  readonly #templateBytes: number;
  readonly #payload: number;
  readonly #frame: number;
  #open = true;

  /** Made by `MediaKernels.openStreamFramer`. @throws RangeError for a streamSid that JSON would have to escape */
  constructor(memory: KernelMemory, streamSid: string) {
    checkStreamSid(streamSid);
    this.#memory = memory;
    this.#templateBytes = memory.number("FRAME_TEMPLATE_BYTES");
    this.#template = memory.take(this.#templateBytes);
    this.#payload = memory.take(PAYLOAD_BYTES_MAX);
    this.#frame = memory.take(frameBytesMax(PAYLOAD_BYTES_MAX));
    memory.bytes.set(Buffer.from(streamSid, "latin1"), this.#payload);
    memory.exports.frameTemplate(this.#template, this.#payload, streamSid.length);
  }

  /** The memory that `write` leaves its frame in. */
  get bytes(): Uint8Array {
    return this.#memory.bytes;
  }

  /** Where in `bytes` the last frame begins. */
  get offset(): number {
    return this.#frame;
  }

  /**
   * Writes one frame, and returns its length; it lies at `offset` in `bytes` until the next call.
   * @param ulaw - 1 to 2048 octets, usually 160
   * @param maskKey - 32 unpredictable bits (RFC 6455 §5.3)
   * @throws TypeError or RangeError naming the argument
   */
  write(
    track: Track,
    sequenceNumber: number,
    chunk: number,
    timestampMs: number,
    ulaw: Uint8Array,
    maskKey: number,
  ): number {
    checkOctets(ulaw, "ulaw");
    if (ulaw.length === 0 || ulaw.length > PAYLOAD_BYTES_MAX)
      throw new RangeError(`ulaw must have 1 to ${PAYLOAD_BYTES_MAX} octets`);
    if (!this.#open) throw new RangeError("the stream framer is closed");
    if (track !== "inbound" && track !== "outbound") throw new TypeError('track must be "inbound" or "outbound"');
    const { bytes, exports } = this.#memory;
    bytes.set(ulaw, this.#payload);
    const number = track === "inbound" ? 0 : 1;
    return exports.writeMediaFrame(
      this.#template,
      number,
      sequenceNumber,
      chunk,
      timestampMs,
      this.#payload,
      ulaw.length,
      maskKey,
      this.#frame,
    );
  }

  /** Gives the memory back. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#memory.give(this.#template, this.#templateBytes);
    this.#memory.give(this.#payload, PAYLOAD_BYTES_MAX);
    this.#memory.give(this.#frame, frameBytesMax(PAYLOAD_BYTES_MAX));
  }
}

/** Reads what consumers send. */
export class MediaMessageReader {
  readonly #memory: KernelMemory;
  readonly #message: number;
  readonly #decoded: number;
  readonly #decodedBytes = (MESSAGE_BYTES_MAX * 3) / 4;

  /** Made by `MediaKernels`. */
  constructor(memory: KernelMemory) {
    this.#memory = memory;
    this.#message = memory.take(MESSAGE_BYTES_MAX + 128);
    this.#decoded = memory.take(this.#decodedBytes + 128);
  }

  /** The memory that `read` leaves the payload in. */
  get bytes(): Uint8Array {
    return this.#memory.bytes;
  }

  /** Where in `bytes` the last payload begins. */
  get offset(): number {
    return this.#decoded;
  }

  /**
   * Decodes the payload of a `media` message.
   * @returns octets of mu-law, at `offset` in `bytes`; -1 when the message is another one, or so odd that a JSON parser has to
   *   decide
   */
  read(message: Uint8Array): number {
    checkOctets(message, "message");
    if (message.length > MESSAGE_BYTES_MAX) return -1;
    const { bytes, exports } = this.#memory;
    bytes.set(message, this.#message);
    const octets = exports.readMediaPayload(
      this.#message,
      message.length,
      0,
      ANY_STREAM,
      this.#decoded,
      this.#decodedBytes,
    );
    return octets < 0 ? -1 : octets;
  }
}

function frameBytesMax(payloadBytes: number): number {
  return FRAME_ROOM_BYTES + Math.ceil(payloadBytes / 3) * 4;
}
