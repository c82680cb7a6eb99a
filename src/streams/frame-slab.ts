/**
 * Memory that outgoing frames are copied into before they go to a socket: what a socket cannot send at once it keeps by
 * reference, while the engine overwrites its own copy with the next tick. One slab serves all streams of a worker.
 */

const SLAB_BYTES = 64 * 1024;

export class FrameSlab {
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #used = 0;

  /** Overwrites what was copied (R-COMP-7); only while no socket holds a part of it. */
  wipe(): void {
    this.#slab.fill(0);
    this.#used = 0;
  }

  /** A copy of octets `offset` to `offset + length`, which nobody overwrites. */
  copy(bytes: Uint8Array, offset: number, length: number): Buffer {
    if (length > SLAB_BYTES) return Buffer.from(bytes.subarray(offset, offset + length));
    if (this.#used + length > SLAB_BYTES) {
      // The old slab lives for as long as a socket still holds a part of it.
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = 0;
    }
    const from = this.#used;
    this.#used += length;
    Buffer.prototype.copy.call(bytes, this.#slab, from, offset, offset + length);
    return this.#slab.subarray(from, this.#used);
  }
}
