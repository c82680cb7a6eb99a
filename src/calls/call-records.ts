/**
 * Records of ended calls, one JSON line each, appended to a file that the operator names (R-GEN-7, R-ORIG-26, R-EDGE-10). Metadata
 * only: no audio, no keys, no digits. A disk that is full or slow costs records, never calls.
 */

import { createWriteStream, type WriteStream } from "node:fs";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Call } from "./call.ts";
import { attemptsOf } from "./call-attempts.ts";

/** Octets that may wait for the disk. */
const WAITING_BYTES_MAX = 16 * 1024 * 1024;

/** What is written of a call. */
export function callRecord(call: Call): object {
  const { details } = call;
  const attempts = attemptsOf(call);
  return {
    sid: call.sid,
    parentSid: details.parentSid ?? null,
    accountSid: details.accountSid,
    trunkSid: details.trunkSid ?? null,
    byocTrunkSid: details.byocTrunkSid ?? null,
    direction: details.direction,
    from: details.from,
    to: details.to,
    edge: details.edge ?? null,
    remote: details.remote ?? null,
    status: call.status,
    sipStatus: call.sipStatus,
    createdAt: call.createdAt.toISOString(),
    answeredAt: call.answeredAt?.toISOString() ?? null,
    endedAt: call.endedAt?.toISOString() ?? null,
    durationSeconds: call.durationSeconds,
    sipCallIds: call.sipCallIds,
    attempts,
    chosenTarget: attempts.find(({ result }) => result === "answered")?.target ?? null,
  };
}

export class CallRecords {
  readonly #log: Log;
  readonly #file: WriteStream;
  #lost = 0;

  /** Opens the file for appending; what cannot be written is told once in the log. */
  constructor(path: string, log: Log) {
    this.#log = log;
    this.#file = createWriteStream(path, { flags: "a", mode: 0o640 });
    this.#file.on("error", (error) => this.#lose(messageOf(error)));
  }

  /** Records that were not written. */
  get lost(): number {
    return this.#lost;
  }

  add(call: Call): void {
    if (this.#file.destroyed || this.#file.writableLength > WAITING_BYTES_MAX) {
      this.#lose("the disk does not take them");
      return;
    }
    this.#file.write(`${JSON.stringify(callRecord(call))}\n`);
  }

  /** Resolves when all that was taken is in the file, or cannot be. */
  close(): Promise<void> {
    return new Promise((done) => {
      if (this.#file.destroyed) done();
      else {
        this.#file.once("close", done);
        this.#file.end();
      }
    });
  }

  #lose(why: string): void {
    if (this.#lost++ === 0) this.#log.error("call records are being lost", { error: why });
  }
}
