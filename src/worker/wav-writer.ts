/**
 * A WAV file that grows without limit. Samples are copied into one of two buffers while the other is on its way to the
 * disk: memory is bounded, and a disk that is too slow costs samples (counted), never time. After each piece the head is
 * written anew, behind the samples it counts: a process that dies at any moment leaves a file that is whole up to its last
 * piece. A disk that is full ends the file and nothing else.
 */

import { type FileHandle, open } from "node:fs/promises";
import { messageOf } from "../base/errors.ts";
import { readWavDataBytes, WAV_HEADER_BYTES, type WavFormat, wavFrameBytes, wavHeader } from "../media/wav-header.ts";

/** What became of a file. */
export interface WavResult {
  readonly dataBytes: number;
  /** Octets for which there was no room, because the disk was too slow or failed. */
  readonly droppedBytes: number;
  /** Why it ended before its time, or null. */
  readonly error: string | null;
}

export interface WavWriterOptions {
  readonly path: string;
  readonly format: WavFormat;
  /** Octets of each of both buffers; default 32 KiB, which is 4 s of mono mu-law. */
  readonly bufferBytes?: number;
  /** Octets that are worth a write; default 8000. */
  readonly pieceBytes?: number;
  /** Goes on behind the samples of a file that another writer has closed; default: the file is made, or emptied. */
  readonly resume?: boolean;
  /** Told once when the file cannot be written any more. */
  readonly onError?: (message: string) => void;
}

export class WavWriter {
  readonly #options: WavWriterOptions;
  readonly #pieceBytes: number;
  readonly #frameBytes: number;
  #filling: Uint8Array;
  #spare: Uint8Array;
  #filled = 0;
  #dataBytes = 0;
  #droppedBytes = 0;
  #error: string | null = null;
  #file: FileHandle | undefined;
  #work: Promise<void>;
  #isBusy = true;
  #closed: Promise<WavResult> | undefined;

  /** Opens the file, for its owner alone; nothing is thrown here, `onError` tells. */
  constructor(options: WavWriterOptions) {
    const { bufferBytes = 32_768, pieceBytes = 8000 } = options;
    this.#options = options;
    this.#pieceBytes = Math.min(pieceBytes, bufferBytes);
    this.#frameBytes = wavFrameBytes(options.format);
    this.#filling = new Uint8Array(bufferBytes);
    this.#spare = new Uint8Array(bufferBytes);
    this.#work = this.#open();
  }

  /**
   * Takes samples, whole frames only. Never waits.
   * @returns false when there was no room for them: they are counted and left out
   */
  write(octets: Uint8Array): boolean {
    if (octets.length % this.#frameBytes !== 0) throw new RangeError("octets must be whole samples of all channels");
    const hasRoom = this.#filled + octets.length <= this.#filling.length;
    if (this.#closed !== undefined || this.#error !== null || !hasRoom) {
      this.#droppedBytes += octets.length;
      return false;
    }
    this.#filling.set(octets, this.#filled);
    this.#filled += octets.length;
    if (!this.#isBusy && this.#filled >= this.#pieceBytes) this.#work = this.#flush();
    return true;
  }

  /**
   * Writes what is left and closes the file. Never rejects.
   * @param cutBytes - octets at the end that are taken away again, whole frames
   */
  close(cutBytes = 0): Promise<WavResult> {
    this.#closed ??= this.#finish(cutBytes);
    return this.#closed;
  }

  async #open(): Promise<void> {
    try {
      const { path, format, resume = false } = this.#options;
      this.#file = await open(path, resume ? "r+" : "w", 0o600);
      if (resume) this.#dataBytes = await readWavDataBytes(this.#file, format);
      else await this.#writeAll(wavHeader(format, 0), WAV_HEADER_BYTES, 0);
    } catch (error) {
      this.#fail(error);
    }
    this.#isBusy = false;
    if (this.#filled >= this.#pieceBytes && this.#error === null) await this.#flush();
  }

  /** Writes pieces until less than one is left. */
  async #flush(): Promise<void> {
    this.#isBusy = true;
    do await this.#writePiece();
    while (this.#filled >= this.#pieceBytes && this.#error === null);
    this.#isBusy = false;
  }

  async #writePiece(): Promise<void> {
    const piece = this.#filling;
    const count = this.#filled;
    this.#filling = this.#spare;
    this.#spare = piece;
    this.#filled = 0;
    try {
      await this.#writeAll(piece, count, WAV_HEADER_BYTES + this.#dataBytes);
      await this.#writeAll(wavHeader(this.#options.format, this.#dataBytes + count), WAV_HEADER_BYTES, 0);
      this.#dataBytes += count;
    } catch (error) {
      this.#droppedBytes += count;
      this.#fail(error);
    }
  }

  async #writeAll(octets: Uint8Array, count: number, position: number): Promise<void> {
    for (let written = 0; written < count; ) {
      const { bytesWritten } = await this.#file!.write(octets, written, count - written, position + written);
      written += bytesWritten;
    }
  }

  #fail(error: unknown): void {
    if (this.#error !== null) return;
    this.#error = messageOf(error);
    this.#options.onError?.(this.#error);
  }

  async #finish(cutBytes: number): Promise<WavResult> {
    await this.#work;
    if (this.#filled > 0 && this.#error === null) await this.#writePiece();
    this.#droppedBytes += this.#filled;
    this.#filled = 0;
    // Memory that held audio holds it no longer (R-COMP-7).
    this.#filling.fill(0);
    this.#spare.fill(0);
    try {
      if (cutBytes > 0 && this.#error === null) {
        this.#dataBytes -= Math.min(cutBytes, this.#dataBytes);
        await this.#file!.truncate(WAV_HEADER_BYTES + this.#dataBytes);
        await this.#writeAll(wavHeader(this.#options.format, this.#dataBytes), WAV_HEADER_BYTES, 0);
      }
      if (this.#dataBytes % 2 === 1 && this.#error === null)
        await this.#writeAll(new Uint8Array(1), 1, WAV_HEADER_BYTES + this.#dataBytes);
      await this.#file?.close();
    } catch (error) {
      this.#fail(error);
    }
    return { dataBytes: this.#dataBytes, droppedBytes: this.#droppedBytes, error: this.#error };
  }
}
