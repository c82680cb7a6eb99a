/**
 * The kernels of the media core alone, for gateways that have an engine of their own: SRTP, G.711, jitter buffer, stream
 * frames. One WASM instance for all that is opened here; use one `MediaKernels` a thread.
 */

import { checkInteger } from "../checks.ts";
import type { SrtpKey } from "../leg-options.ts";
import { compileWasm, type WasmSource } from "../wasm-engine.ts";
import { G711 } from "./g711.ts";
import { JitterBuffer } from "./jitter-buffer.ts";
import { KernelMemory } from "./kernel-memory.ts";
import { refusalOf, SrtpBatch, type SrtpRefusal, SrtpSession } from "./srtp.ts";
import { MediaMessageReader, StreamFramer } from "./stream-framer.ts";

/** Options of `MediaKernels.create`. */
export interface MediaKernelsOptions {
  /** The module; default: the one of this package. */
  readonly wasm?: WasmSource;
  /** Memory for all that will be open at once, taken now; 1 to 1024 MiB, default 4 MiB. An SRTP session takes under 1 KiB, a jitter buffer
   * 8.3 KiB, a stream framer 5.4 KiB. */
  readonly memoryBytes?: number;
}

const MIB = 1024 * 1024;

export class MediaKernels {
  readonly g711: G711;
  readonly messages: MediaMessageReader;
  readonly #memory: KernelMemory;
  readonly #single: SrtpBatch;

  /** Takes the memory and is ready at once; the promise leaves room for asynchronous compilation. */
  static async create(options: MediaKernelsOptions = {}): Promise<MediaKernels> {
    return MediaKernels.createSync(options);
  }

  /** @throws MediaError MEDIA_WASM_MISSING, MEDIA_ABI or MEDIA_FULL; TypeError or RangeError naming a wrong option */
  static createSync(options: MediaKernelsOptions = {}): MediaKernels {
    const { memoryBytes = 4 * MIB } = options;
    checkInteger(memoryBytes, "memoryBytes", MIB, 1024 * MIB);
    return new MediaKernels(new KernelMemory(compileWasm(options.wasm), memoryBytes));
  }

  private constructor(memory: KernelMemory) {
    this.#memory = memory;
    this.g711 = new G711(memory);
    this.messages = new MediaMessageReader(memory);
    this.#single = new SrtpBatch(memory, 1);
  }

  /**
   * One direction of SRTP under one master key.
   * @throws TypeError or RangeError naming what is wrong with the key; MediaError MEDIA_FULL
   */
  openSrtp(key: SrtpKey): SrtpSession {
    return new SrtpSession(this.#memory, this.#single, key);
  }

  /** Room for packets of any sessions. @param slotCount - 1 to 1024 */
  openSrtpBatch(slotCount = 64): SrtpBatch {
    checkInteger(slotCount, "slotCount", 1, 1024);
    return new SrtpBatch(this.#memory, slotCount);
  }

  /** Why a packet was refused: the meaning of a negative length. */
  refusalOf(status: number): SrtpRefusal {
    return refusalOf(this.#memory, status);
  }

  /** @param startMs - what is held back until the arrivals tell more; 0 to 200, default 40 */
  openJitterBuffer(startMs = 40): JitterBuffer {
    checkInteger(startMs, "startMs", 0, 200);
    return new JitterBuffer(this.#memory, startMs);
  }

  /** @throws RangeError for a streamSid that is no 1 to 64 printable ASCII characters without `"` and `\` */
  openStreamFramer(streamSid: string): StreamFramer {
    return new StreamFramer(this.#memory, streamSid);
  }
}
