/**
 * What a gateway remembers of one call, as plain data: what the HTTP interface answers, what `tandem explain --json`
 * prints, and what the text for people is made from. Secrets have been masked before anything gets here.
 */

/** The call as its owner sees it. `callSid` is null for an INVITE that was turned away before there was a call. */
export interface CallHeader {
  readonly callSid: string | null;
  readonly sipCallId: string;
  readonly accountSid: string;
  readonly direction: string;
  readonly from: string;
  readonly to: string;
  /** Where the caller is, host:port, or "". */
  readonly remote: string;
  /** queued … canceled (twiml.md 4.2), or `refused`, `dropped` for INVITEs without a call. */
  readonly status: string;
  /** What the far end of this leg was told, or told us; 0 for nothing. */
  readonly sipStatus: number;
  /** ISO 8601. */
  readonly startedAt: string;
  /** From the first message to the end, or until now for a call that is up. */
  readonly lastedMs: number;
  /** From answer to end, as billed; 0 when it was never answered. */
  readonly durationSeconds: number;
}

/** One leg of the family: the call itself, its parent, its children. */
export interface LegRecord extends CallHeader {
  readonly parentSid: string | null;
}

/** Plain values of a decision; `code` is its stable word. */
export type StepFields = Readonly<Record<string, string | number | boolean | null>>;

/** One line of the story. */
export interface StoryStep {
  /** Since the first thing that is known of the call. */
  readonly atMs: number;
  /** Leg that it belongs to, or null. */
  readonly callSid: string | null;
  /** `received`, `matched` …, or `alert`. */
  readonly step: string;
  /** Stable: `acl.unlisted`, `target.failed`, `alert.32201`; "" for plain notes. */
  readonly code: string;
  readonly text: string;
  readonly fields: StepFields;
}

/** One SIP message. */
export interface MessageRecord {
  readonly atMs: number;
  readonly direction: "in" | "out";
  readonly sipCallId: string;
  readonly transport: string;
  /** The other end, host:port. */
  readonly peer: string;
  /** Of the request, or of the request that is answered. */
  readonly method: string;
  /** 0 for a request. */
  readonly status: number;
  /** Reason phrase of an answer, "" for a request. */
  readonly reason: string;
  readonly cseq: number;
  /** Carries an answer to a digest challenge. */
  readonly authorized: boolean;
  /** Carries a session description. */
  readonly sdp: boolean;
  /** Octets on the wire. */
  readonly bytes: number;
  /** The message, secrets masked; "" unless asked for. */
  readonly text: string;
}

/** What went wrong and what to do about it. */
export interface Diagnosis {
  /** False when nothing did. */
  readonly failed: boolean;
  /** Code of the step that decided it, or of the outcome. */
  readonly code: string;
  readonly cause: string;
  /** "" when there is nothing to be done. */
  readonly cure: string;
  /** Index of the guilty line among `steps` and among `messages`, or null. */
  readonly step: number | null;
  readonly message: number | null;
}

export interface CallReport {
  readonly call: CallHeader;
  /** All legs in the order in which they began; the caller's first. */
  readonly legs: readonly LegRecord[];
  readonly diagnosis: Diagnosis;
  /** By time. */
  readonly steps: readonly StoryStep[];
  readonly messages: readonly MessageRecord[];
  /** What the memory had no room for. */
  readonly omitted: { readonly steps: number; readonly messages: number };
  /** `kept`, `gone` (made room for newer ones), `off`, or `withheld` (the Call-ID is used by another account too). */
  readonly trace: "kept" | "gone" | "off" | "withheld";
}

/** One line of a list of calls. */
export interface CallSummary extends CallHeader {
  /** What to ask for: the Call SID, or the Call-ID where there is none. */
  readonly id: string;
  readonly failed: boolean;
  /** One sentence. */
  readonly cause: string;
}
