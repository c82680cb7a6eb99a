/** Where the audio of a leg came from and went to, noted for the statement of its call. Never keys. */

/** What was agreed on. */
export interface MediaFacts {
  readonly local: string;
  readonly remote: string;
  readonly codec: string;
  /** SRTP suite, null for plain RTP. */
  readonly encryption: string | null;
}

export interface StreamFact {
  readonly streamSid: string;
  readonly host: string;
  readonly encrypted: boolean;
}

export interface KeptFact {
  readonly kind: "recording" | "voice-trace";
  readonly sid: string;
}

/** What one call remembers of that. */
const FACTS_MAX = 100;

export class AudioFacts {
  media: MediaFacts | undefined;
  readonly #streams: StreamFact[] = [];
  readonly #kept: KeptFact[] = [];

  get streams(): readonly StreamFact[] {
    return this.#streams;
  }

  get kept(): readonly KeptFact[] {
    return this.#kept;
  }

  streamed(stream: StreamFact): void {
    if (this.#streams.length < FACTS_MAX) this.#streams.push(stream);
  }

  keep(file: KeptFact): void {
    if (this.#kept.length < FACTS_MAX) this.#kept.push(file);
  }
}
