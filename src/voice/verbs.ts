/** TwiML verbs as data (twiml.md 2): what the parser makes and the interpreter hands out. Defaults are filled in. */

import type { HttpMethod } from "../base/http.ts";

/** A URL still relative to its document; `documentUrl` null for TwiML that came without one. */
export interface Play {
  readonly verb: "Play";
  readonly url: string;
  /** Digits instead of a URL, or null. */
  readonly digits: string | null;
  /** 0 is until hang-up. */
  readonly loop: number;
}
export interface Pause {
  readonly verb: "Pause";
  readonly lengthSeconds: number;
}
export interface Hangup {
  readonly verb: "Hangup";
}
export interface Reject {
  readonly verb: "Reject";
  readonly reason: "rejected" | "busy";
}
export interface Redirect {
  readonly verb: "Redirect";
  /** "" is the current document again. */
  readonly url: string;
  readonly method: HttpMethod;
}
/** `<Stream>` inside `<Start>` or `<Connect>` (media-streams.md 2). */
export interface StreamNoun {
  readonly url: string;
  readonly name: string;
  readonly track: "inbound_track" | "outbound_track" | "both_tracks" | string;
  readonly statusCallback: string;
  readonly statusCallbackMethod: HttpMethod;
  readonly connectorName: string;
  readonly parameters: readonly (readonly [name: string, value: string])[];
}
export interface Start {
  readonly verb: "Start";
  readonly streams: readonly StreamNoun[];
}
export interface Stop {
  readonly verb: "Stop";
  readonly streamNames: readonly string[];
}
export interface Connect {
  readonly verb: "Connect";
  readonly action: string | null;
  readonly method: HttpMethod;
  readonly stream: StreamNoun | null;
}
/** Status callback attributes of `<Number>` and `<Sip>`. */
export interface StatusCallbackAttributes {
  readonly url: string | null;
  readonly method: HttpMethod;
  readonly events: readonly ("initiated" | "ringing" | "answered" | "completed")[];
}
export interface NumberNoun {
  readonly noun: "Number";
  readonly number: string;
  readonly byoc: string | null;
  readonly sendDigits: string;
  readonly url: string | null;
  readonly method: HttpMethod;
  readonly statusCallback: StatusCallbackAttributes;
}
export interface SipNoun {
  readonly noun: "Sip";
  readonly uri: string;
  readonly username: string | null;
  readonly password: string | null;
  readonly url: string | null;
  readonly method: HttpMethod;
  readonly statusCallback: StatusCallbackAttributes;
}
export type DialNoun = NumberNoun | SipNoun;
export interface Dial {
  readonly verb: "Dial";
  readonly targets: readonly DialNoun[];
  readonly action: string | null;
  readonly method: HttpMethod;
  readonly timeoutSeconds: number;
  readonly timeLimitSeconds: number;
  readonly callerId: string | null;
  readonly answerOnBridge: boolean;
  readonly hangupOnStar: boolean;
  readonly sequential: boolean;
  readonly ringTone: string | null;
}
export type Verb = Play | Pause | Hangup | Reject | Redirect | Start | Stop | Connect | Dial;

/** A warning of the alert log; the document is run all the same. */
export interface TwimlWarning {
  readonly alertCode: number;
  readonly message: string;
  readonly line: number;
  /** What was left out would have stored audio (R-COMP-6). */
  readonly storesAudio?: true;
}

/** A parsed document. */
export interface TwimlDocument {
  readonly verbs: readonly Verb[];
  readonly warnings: readonly TwimlWarning[];
}
