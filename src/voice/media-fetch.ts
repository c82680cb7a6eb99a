/** Audio files of `<Play>` (twiml.md 2.6): fetched unsigned and without parameters, kept in a small cache by their validators. */

import { WebhookError } from "../base/errors.ts";
import { shownUrl } from "./http-errors.ts";
import type { WebhookClient } from "./webhook.ts";

export interface MediaFile {
  readonly bytes: Uint8Array;
  readonly contentType: string;
}

interface Cached extends MediaFile {
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
}

const FILE_BYTES_MAX = 32 * 1024 * 1024;
const CACHE_BYTES_MAX = 64 * 1024 * 1024;
const INVALID_CONTENT_TYPE = 13420;
/** Types that the player reads, and the catch-all that servers send for files. */
const TYPES = new Set([
  "audio/wav",
  "audio/wave",
  "audio/x-wav",
  "audio/vnd.wave",
  "audio/basic",
  "audio/ulaw",
  "audio/x-mulaw",
  "audio/pcmu",
  "application/octet-stream",
]);

export class MediaFetcher {
  readonly #client: WebhookClient;
  /** Insertion order is order of use: the first is the one to forget. */
  readonly #cache = new Map<string, Cached>();
  #cacheBytes = 0;

  constructor(client: WebhookClient) {
    this.#client = client;
  }

  /** @throws WebhookError 13420 for a type that cannot be played, 112xx when the file cannot be had */
  async fetch(url: string, signal?: AbortSignal): Promise<MediaFile> {
    const known = this.#cache.get(url);
    const headers: Record<string, string> = {};
    if (known?.etag !== undefined) headers["if-none-match"] = known.etag;
    else if (known?.lastModified !== undefined) headers["if-modified-since"] = known.lastModified;
    const answer = await this.#client.request({
      url,
      method: "GET",
      parameters: [],
      authToken: undefined,
      answerBytesMax: FILE_BYTES_MAX,
      headers,
      ...(signal === undefined ? {} : { signal }),
    });
    if (answer.status === 304 && known !== undefined) {
      this.#remember(url, known);
      return known;
    }
    const contentType = answer.contentType.split(";")[0]!.trim().toLowerCase();
    if (!TYPES.has(contentType))
      throw new WebhookError(
        INVALID_CONTENT_TYPE,
        `${shownUrl(url)}: ${contentType === "" ? "no content type" : contentType.slice(0, 60)} cannot be played; WAV and mu-law can`,
        url,
      );
    const file: Cached = {
      bytes: answer.body,
      contentType,
      etag: answer.headers.get("etag"),
      lastModified: answer.headers.get("last-modified"),
    };
    const mayKeep =
      !/no-store|private/i.test(answer.headers.get("cache-control") ?? "") &&
      (file.etag ?? file.lastModified) !== undefined;
    if (mayKeep) this.#remember(url, file);
    return file;
  }

  #remember(url: string, file: Cached): void {
    this.#forget(url);
    this.#cache.set(url, file);
    this.#cacheBytes += file.bytes.length;
    while (this.#cacheBytes > CACHE_BYTES_MAX) this.#forget(this.#cache.keys().next().value!);
  }

  #forget(url: string): void {
    this.#cacheBytes -= this.#cache.get(url)?.bytes.length ?? 0;
    this.#cache.delete(url);
  }
}
