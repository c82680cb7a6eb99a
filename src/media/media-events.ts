/** What the engine reports: types only. All times are the monotonic ms that the owner passed in. */

import type { SrtpReceiveState } from "./leg-options.ts";

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
  /** A track has been silent for as long as `silenceAfterMs` asks; it is no longer. `durationMs` since silence began. */
  | {
      readonly type: "silence-began" | "silence-ended";
      readonly leg: number;
      readonly track: "inbound" | "outbound";
      readonly durationMs: number;
    }
  /** All audio that was queued by `play` before this mark has left as RTP, or was cleared (media-streams.md 6.3, 6.4). */
  | { readonly type: "mark"; readonly leg: number; readonly name: string }
  /** RTCP BYE was received (authenticated on SRTP legs). Information only. */
  | { readonly type: "rtcp-bye"; readonly leg: number };

/** How the losses of the received stream lie (RFC 3611 §4.7.2, Gmin 16); discarded packets count as lost. */
export interface LossPattern {
  /** Share of lost packets within bursts and within gaps, percent. */
  readonly burstDensityPercent: number;
  readonly gapDensityPercent: number;
  /** Mean durations, ms; 0 when there was none. */
  readonly burstDurationMs: number;
  readonly gapDurationMs: number;
  readonly bursts: number;
  /** Mean run of consecutive losses by that of random loss of the same rate (ITU-T G.107 BurstR), at least 1. */
  readonly burstRatio: number;
}

/** What the far end last reported about the stream that it receives from us (RFC 3550 §6.4.1). */
export interface RemoteReport {
  readonly packetsLost: number;
  /** Since its report before, percent. */
  readonly lossPercent: number;
  readonly jitterMs: number;
}

/**
 * How the far end hears us, from its VoIP metrics (RFC 3611 §4.7). It is what it says: null where it says that it does not know.
 */
export interface RemoteQuality {
  readonly lossPercent: number;
  readonly discardPercent: number;
  readonly burstDensityPercent: number;
  readonly gapDensityPercent: number;
  readonly burstDurationMs: number;
  readonly gapDurationMs: number;
  readonly roundTripMs: number;
  readonly endSystemDelayMs: number;
  /** dBm0. */
  readonly signalLevelDbm: number | null;
  readonly noiseLevelDbm: number | null;
  readonly echoReturnLossDb: number | null;
  readonly rFactor: number | null;
  readonly mosListening: number | null;
  readonly mosConversational: number | null;
  readonly jitterBufferNominalMs: number;
  readonly jitterBufferMaxMs: number;
}

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
  readonly roundTripMinMs: number | null;
  readonly roundTripMaxMs: number | null;
  /** Lost packets and those that came too late to be played, of all that were expected. */
  readonly lossPercent: number;
  /** Came too late to be played; known only while somebody listens to the leg. */
  readonly packetsDiscarded: number;
  readonly lossPattern: LossPattern;
  readonly remoteReport: RemoteReport | null;
  /** The last that it said, null when it never did; most far ends don't. */
  readonly remoteQuality: RemoteQuality | null;
  /** RTCP packets that were understood, and parts of them from others than the far end, which were not looked at. */
  readonly reportsReceived: number;
  readonly reportsForeign: number;
  /** Mouth to ear as far as we know it: half the round trip, the jitter buffer, one packet. */
  readonly oneWayDelayMs: number;
  /** Rating of what is received (ITU-T G.107, G.711 with concealment): without delay, and with it. At most 93.2. */
  readonly rListening: number;
  readonly rConversational: number;
  /** The same as mean opinion scores, 1 to 4.41 (ITU-T G.107 annex B). */
  readonly mosListening: number;
  readonly mosConversational: number;
  /** Level of the last 100 ms, dBov as in RFC 6464: -127 to 0; 6.2 more is dBm0. */
  readonly inboundLevelDbov: number;
  readonly outboundLevelDbov: number;
  /** Where the received SRTP stream stands, for another leg to go on with; null for plain RTP, or before the first packet. */
  readonly srtpReceiveState: SrtpReceiveState | null;
  readonly drops: Readonly<Record<DropReason, number>>;
}
