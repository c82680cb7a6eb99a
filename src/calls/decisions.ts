/**
 * What was decided about a call, as data, at the moment it was decided: trunk matched and why, verdicts, codecs, each
 * target and its answer. An operator reads it to learn why a call went as it did. Bounded; never holds keys or secrets.
 */

/** One decision. `step` is a stable word, `text` a sentence, `fields` plain values. */
export interface Decision {
  readonly atMs: number;
  readonly step:
    | "received"
    | "matched"
    | "authentication"
    | "checked"
    | "admission"
    | "media"
    | "routed"
    | "attempt"
    | "answer"
    | "webhook"
    | "verb"
    | "stream"
    | "transfer"
    | "ended";
  readonly text: string;
  readonly fields: Readonly<Record<string, string | number | boolean | null>>;
}

const DECISIONS_MAX = 200;

/** The story of one call. */
export class DecisionLog {
  #entries: Decision[] = [];
  #dropped = 0;

  add(decision: Decision): void {
    if (this.#entries.length < DECISIONS_MAX) this.#entries.push(decision);
    else this.#dropped++;
  }

  /** Gives the memory back; what is asked for afterwards was dropped. */
  forget(): void {
    this.#dropped += this.#entries.length;
    this.#entries = [];
  }

  get entries(): readonly Decision[] {
    return this.#entries;
  }

  /** How many are not there any more: they came after the log was full, or were forgotten. */
  get dropped(): number {
    return this.#dropped;
  }
}
