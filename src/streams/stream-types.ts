/**
 * The plain data of Media Streams (media-streams.md): what starts a stream, its limits, and how it ends. No behaviour;
 * the thread boundary carries these types as they are.
 */

/** A track, seen from the gateway: `inbound` is what it receives from the party of the leg, `outbound` what it sends. */
export type Track = "inbound" | "outbound";

/** A stream to connect (media-streams.md 2). URL rules have been checked and the signature made by the caller. */
export interface StreamDescription {
  readonly streamSid: string;
  readonly name: string;
  readonly callSid: string;
  readonly accountSid: string;
  readonly kind: "unidirectional" | "bidirectional";
  readonly tracks: readonly Track[];
  readonly url: string;
  /** X-Twilio-Signature of the upgrade request. */
  readonly signature: string;
  /** Connect to this address instead of resolving the host again (hardening R20), or "". */
  readonly connectAddress: string;
  /** Source address of the connection (R-STRM-3), or "". */
  readonly localAddress: string;
  readonly customParameters: readonly (readonly [name: string, value: string])[];
}

/** Limits of Media Streams (media-streams.md 13). */
export interface StreamDefaults {
  readonly userAgent: string;
  readonly connectTimeoutMs: number;
  readonly upgradeTimeoutMs: number;
  readonly maxSendBufferMs: number;
  readonly playbackBufferSeconds: number;
  readonly maxMessageBytes: number;
  readonly pendingMarksMax: number;
  readonly fillSilence: boolean;
  /** PEM of extra certificate authorities, or "". */
  readonly caPem: string;
  readonly tlsVerify: boolean;
}

/** What its owner hears of a stream; texts and codes of media-streams.md 8 and 11. Exactly one `stopped` or `error` ends it. */
export type StreamEvent =
  | { readonly type: "started" }
  /** `by`: who ended it. */
  | { readonly type: "stopped"; readonly by: "gateway" | "consumer"; readonly closeCode: number }
  | { readonly type: "error"; readonly alertCode: number; readonly message: string }
  /** Warning of the alert log (31930, 31931, 31950, 31951); the stream goes on. */
  | { readonly type: "warning"; readonly alertCode: number; readonly message: string };
