/** What a leg is told: types of the embeddable media core. One leg is one RTP session (RFC 3550 §3). */

/** G.711 in its two laws (ITU-T G.711, RFC 3551 payload types 0 and 8). */
export type G711Codec = "PCMU" | "PCMA";

/** The two SRTP suites of RFC 4568 §6.2. The tag of SRTCP is 10 octets in both. */
export type SrtpSuite = "AES_CM_128_HMAC_SHA1_80" | "AES_CM_128_HMAC_SHA1_32";

/** One direction of SRTP: 30 octets, master key (16) and master salt (14). The array is copied and never kept. */
export interface SrtpKey {
  readonly suite: SrtpSuite;
  readonly keySalt: Uint8Array;
}

/** Where a received SRTP stream stands (RFC 3711 §3.2.1). No secret. */
export interface SrtpReceiveState {
  readonly ssrc: number;
  readonly rolloverCounter: number;
  /** Highest that was accepted. */
  readonly sequenceNumber: number;
  /** Index of the last SRTCP packet. */
  readonly rtcpIndex: number;
}

/** An IP address and port. Numeric IPv4 or IPv6 text. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** Which packets of a plain RTP leg are taken (R-MEDIA-1 to 3, hardening R8). Authenticated SRTP is taken from any source. */
export type SourcePolicy =
  /** Only from the negotiated address and port; media goes only there. */
  | "negotiated"
  /** From the negotiated address, any port. */
  | "address"
  /** Symmetric RTP: latch once on two consecutive valid packets, then only from there until renegotiated or 5 s silent. */
  | "latch";

/** What SDP negotiation decided for one leg. Absent fields keep their value on an update. */
export interface LegOptions {
  /** Codec that we send, and that the far end sends with `receivePayloadType`. Default "PCMU". */
  readonly codec?: G711Codec;
  /** Payload type to send with, 0 to 127; default by codec. */
  readonly payloadType?: number;
  /**
   * Payload type under which the far end sends `codec`, 0 to 127; default `payloadType`. The two differ where the answer
   * to our offer renumbered a format: each side sends with the other's number (RFC 3264 §5.1).
   */
  readonly receivePayloadType?: number;
  /** Payload type of the other law that we also accept, or -1. */
  readonly alternatePayloadType?: number;
  /** telephone-event payload type, both ways (RFC 4733), or -1 for none. */
  readonly telephoneEventPayloadType?: number;
  /** telephone-event payload type that we receive when it differs from the one that we send. */
  readonly telephoneEventReceivePayloadType?: number;
  /** Comfort noise payload type accepted (RFC 3389), or -1; default 13. */
  readonly comfortNoisePayloadType?: number;
  /** Packet time that we send, 10 to 60 ms in steps of 10; default 20. */
  readonly ptimeMs?: number;
  /** Where RTP goes; null stops sending. */
  readonly remoteRtp?: SocketAddress | null;
  /** Where RTCP goes; null: port + 1 of RTP, or the RTP port with `rtcpMux`. */
  readonly remoteRtcp?: SocketAddress | null;
  readonly rtcpMux?: boolean;
  /** Default "negotiated". */
  readonly sourcePolicy?: SourcePolicy;
  /** False while the far end holds us (sendonly, inactive, c=0.0.0.0 of theirs): nothing is sent but RTCP. Default true. */
  readonly sending?: boolean;
  /** False while we must ignore their media. Default true. */
  readonly receiving?: boolean;
  /** Key of what we send, or null for plain RTP. The same key again keeps rollover counter and index (SDP-SEC-6). */
  readonly srtpSend?: SrtpKey | null;
  /** Key of what we receive, or null for plain RTP. */
  readonly srtpReceive?: SrtpKey | null;
  /**
   * A new `srtpReceive` goes on where another leg stopped, as its statistics say: a far end that moves here keeps its key and
   * its rollover counter, which cannot be guessed (RFC 3711 §3.3.1). Default: it begins at 0.
   */
  readonly srtpResume?: SrtpReceiveState | null;
  /** Jitter buffer start depth of the playout road, ms; default 40. */
  readonly jitterStartMs?: number;
  /**
   * Hear keys as tones in the audio as well (ITU-T Q.24), for far ends without telephone-event. Default false: it costs a
   * jitter buffer, and music may be taken for a key. Once a far end has sent an event, its tones are no longer believed.
   */
  readonly detectInbandDtmf?: boolean;
  /**
   * Keys that come from the other side of a bridge are not sent to this far end, neither as events nor as tones: whoever sets it
   * brings them by other ways, such as SIP INFO. `sendDigit` is not touched. Default false.
   */
  readonly digitsElsewhere?: boolean;
  /**
   * Don't send pauses: describe their noise with `comfortNoisePayloadType` instead (RFC 3389 §4), for far ends that offered
   * it. Only audio that this side makes is judged, such as playback and conferences; what is relayed stays as it is. Default
   * false.
   */
  readonly sendComfortNoise?: boolean;
  /**
   * Tell `silence-began` when a track was silent for so many ms, and `silence-ended` when it no longer is; 0: never.
   * Default 0. Silence is also what is not sent at all.
   */
  readonly silenceAfterMs?: number;
  /** What is louder is no silence: dBov as in RFC 6464, -127 to 0. Default -45. */
  readonly silenceThresholdDbov?: number;
  /** Report `silent` after so many ms without valid RTP and RTCP while not on hold; 0: never. Default 60 000 (RTP-SES-8). */
  readonly mediaTimeoutMs?: number;
}
