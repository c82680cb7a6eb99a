/** What the engine reports: types only. All times are the monotonic ms that the owner passed in. */

/** Why a datagram was not used; each has a counter per leg. */
export type DropReason =
  | "too-short"
  | "not-rtp"
  | "wrong-source"
  | "payload-type"
  | "auth-failed"
  | "replayed"
  | "ssrc-limit"
  | "too-long"
  | "malformed"
  | "not-receiving"
  | "stun"
  | "dtls"
  | "late"
  | "duplicate";

/** An event of one leg. */
export type LegEvent =
  /** One key press, whatever became of its packets (RFC 4733 §2.5.2). `digit` is one of 0-9 * # A-D. */
  | { readonly type: "dtmf"; readonly leg: number; readonly digit: string }
  /** The first packet that was accepted. */
  | { readonly type: "first-packet"; readonly leg: number }
  /** Symmetric RTP settled on this source. */
  | { readonly type: "latched"; readonly leg: number; readonly address: string; readonly port: number }
  /** Nothing valid came for the leg's media timeout. */
  | { readonly type: "silent"; readonly leg: number }
  /** Every packet of the last 5 s failed authentication: the key is wrong (SRTP-6). */
  | { readonly type: "srtp-failing"; readonly leg: number }
  /** The SSRC of the received stream changed. */
  | { readonly type: "ssrc-changed"; readonly leg: number }
  /** RTCP BYE was received (authenticated on SRTP legs). Information only. */
  | { readonly type: "rtcp-bye"; readonly leg: number };

/** Counters of one leg, since it was opened. */
export interface LegStats {
  readonly packetsReceived: number;
  readonly octetsReceived: number;
  readonly packetsSent: number;
  readonly octetsSent: number;
  readonly packetsLost: number;
  readonly packetsLate: number;
  readonly packetsDuplicate: number;
  readonly framesConcealed: number;
  /** RFC 3550 §6.4.1 interarrival jitter, ms. */
  readonly jitterMs: number;
  /** From RTCP (RFC 3550 A.8), ms, or null when none came. */
  readonly roundTripMs: number | null;
  readonly drops: Readonly<Record<DropReason, number>>;
}
