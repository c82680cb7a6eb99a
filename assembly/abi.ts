/**
 * Numbers that both sides of the WASM boundary share: version, limits, status and event codes. TypeScript reads them
 * from the module's exports and never repeats them.
 */

/** Raised with every change that the other side can notice. */
export const ABI_VERSION: i32 = 1;

/** Longest datagram that is looked at; longer ones are dropped and counted. */
export const PACKET_BYTES_MAX: i32 = 1500;
/** Octets that must be writable behind a packet given to protect or unprotect: tag, rollover counter and hash padding. */
export const PACKET_SLACK_BYTES: i32 = 128;
/** Samples, and G.711 octets, of one 20 ms frame at 8000 Hz. */
export const FRAME_SAMPLES: i32 = 160;

/** Statuses: negative, returned where a length or count would be. */
export const STATUS_TOO_SHORT: i32 = -1;
export const STATUS_TOO_LONG: i32 = -2;
export const STATUS_NOT_RTP: i32 = -3;
export const STATUS_MALFORMED: i32 = -4;
export const STATUS_AUTH_FAILED: i32 = -5;
export const STATUS_REPLAYED: i32 = -6;
export const STATUS_SSRC_LIMIT: i32 = -7;
export const STATUS_PAYLOAD_TYPE: i32 = -8;
export const STATUS_WRONG_SOURCE: i32 = -9;
export const STATUS_DUPLICATE: i32 = -10;
export const STATUS_LATE: i32 = -11;
export const STATUS_NOT_RECEIVING: i32 = -12;
export const STATUS_STUN: i32 = -13;
export const STATUS_DTLS: i32 = -14;
export const STATUS_FULL: i32 = -15;
export const STATUS_NO_SLOT: i32 = -16;
export const STATUS_KEY_EXHAUSTED: i32 = -17;
/** The quick path does not know this input; the caller has to take the slow one. */
export const STATUS_SLOW_PATH: i32 = -18;

/** Datagrams of one `engineReceive` call: slots of the input area and the octets of each, slack included. */
export const INPUT_SLOTS: i32 = 256;
export const INPUT_STRIDE: i32 = 2048;
/** Octets of an IP address as it is kept: four 32-bit words in the order of the text, IPv4 in its mapped form. */
export const ADDRESS_BYTES: i32 = 16;

/** One entry of the input table: where a datagram came from. All fields are 32-bit words. */
export const INPUT_ENTRY_BYTES: i32 = 32;
export const INPUT_LEG: i32 = 0;
/** 0: the RTP socket, 1: the RTCP socket. */
export const INPUT_COMPONENT: i32 = 4;
export const INPUT_LENGTH: i32 = 8;
export const INPUT_PORT: i32 = 12;
export const INPUT_ADDRESS: i32 = 16;

/** One entry of the out table: a datagram to be sent. */
export const OUT_ENTRY_BYTES: i32 = 48;
export const OUT_LEG: i32 = 0;
export const OUT_COMPONENT: i32 = 4;
/** Address of the datagram in memory. */
export const OUT_POINTER: i32 = 8;
export const OUT_LENGTH: i32 = 12;
export const OUT_PORT: i32 = 16;
export const OUT_ADDRESS: i32 = 32;

/** One entry of the frame table: 20 ms of one track of one stream. */
export const FRAME_ENTRY_BYTES: i32 = 16;
export const FRAME_STREAM: i32 = 0;
/** TRACK_INBOUND or TRACK_OUTBOUND. */
export const FRAME_TRACK: i32 = 4;
export const FRAME_POINTER: i32 = 8;
export const FRAME_LENGTH: i32 = 12;
export const TRACK_INBOUND: i32 = 0;
export const TRACK_OUTBOUND: i32 = 1;

/** One entry of the event table. */
export const EVENT_ENTRY_BYTES: i32 = 32;
export const EVENT_TYPE: i32 = 0;
export const EVENT_LEG: i32 = 4;
/** The digit of EVENT_DTMF as its RFC 4733 event number; the track of a silence. */
export const EVENT_VALUE: i32 = 8;
/** How long a silence has lasted, in the place of the port. */
export const EVENT_DURATION_MS: i32 = 12;
export const EVENT_PORT: i32 = 12;
export const EVENT_ADDRESS: i32 = 16;
export const EVENT_COUNT_MAX: i32 = 1024;

/** Types of events. */
export const EVENT_DTMF: i32 = 1;
export const EVENT_FIRST_PACKET: i32 = 2;
export const EVENT_LATCHED: i32 = 3;
export const EVENT_SILENT: i32 = 4;
export const EVENT_SRTP_FAILING: i32 = 5;
export const EVENT_SSRC_CHANGED: i32 = 6;
export const EVENT_RTCP_BYE: i32 = 7;
/** A track has been silent for as long as CONFIG_SILENCE_AFTER_MS says, and is so no more. */
export const EVENT_SILENCE_BEGAN: i32 = 8;
export const EVENT_SILENCE_ENDED: i32 = 9;

/** The block of what one leg is told (`engineOpenLeg`, `engineConfigureLeg`). 32-bit words unless said otherwise. */
export const CONFIG_BYTES: i32 = 192;
/** LAW_ULAW or LAW_ALAW: what we send. */
export const CONFIG_LAW: i32 = 0;
export const CONFIG_PAYLOAD_TYPE: i32 = 4;
export const CONFIG_ALTERNATE_PAYLOAD_TYPE: i32 = 8;
export const CONFIG_EVENT_SEND_PAYLOAD_TYPE: i32 = 12;
export const CONFIG_EVENT_RECEIVE_PAYLOAD_TYPE: i32 = 16;
export const CONFIG_COMFORT_NOISE_PAYLOAD_TYPE: i32 = 20;
export const CONFIG_PTIME_MS: i32 = 24;
/** Sum of FLAG_SENDING, FLAG_RECEIVING, FLAG_RTCP_MUX, FLAG_RENEGOTIATED, FLAG_DETECT_DTMF, FLAG_COMFORT_NOISE, FLAG_DIGITS_ELSEWHERE. */
export const CONFIG_FLAGS: i32 = 28;
export const CONFIG_SOURCE_POLICY: i32 = 32;
export const CONFIG_JITTER_START_MS: i32 = 36;
/** 0: never report silence. */
export const CONFIG_MEDIA_TIMEOUT_MS: i32 = 40;
/** 0: nothing is sent. */
export const CONFIG_RTP_PORT: i32 = 44;
export const CONFIG_RTCP_PORT: i32 = 48;
/** Octets of the SRTP tag, KEY_NONE or KEY_KEEP. */
export const CONFIG_SEND_TAG_BYTES: i32 = 52;
export const CONFIG_RECEIVE_TAG_BYTES: i32 = 56;
/** What the far end sends `law` with; differs from CONFIG_PAYLOAD_TYPE where an answer renumbered it (RFC 3264 §5.1). */
export const CONFIG_RECEIVE_PAYLOAD_TYPE: i32 = 60;
export const CONFIG_RTP_ADDRESS: i32 = 64;
export const CONFIG_RTCP_ADDRESS: i32 = 80;
/** Master key and salt, 30 octets each; wiped by the engine as soon as they are read. */
export const CONFIG_SEND_KEY: i32 = 96;
export const CONFIG_RECEIVE_KEY: i32 = 128;
/** 0: silences are not told. */
export const CONFIG_SILENCE_AFTER_MS: i32 = 160;
/** What counts as silence: below so many dBov, -127 to 0. */
export const CONFIG_SILENCE_DBOV: i32 = 164;
/** 1: a new key of what is received goes on where another leg stopped, at the four words behind (RFC 3711 §3.3.1). */
export const CONFIG_SRTP_RESUME: i32 = 168;
export const CONFIG_SRTP_SSRC: i32 = 172;
export const CONFIG_SRTP_ROC: i32 = 176;
export const CONFIG_SRTP_HIGHEST: i32 = 180;
export const CONFIG_SRTP_RTCP_INDEX: i32 = 184;

export const LAW_ULAW: i32 = 0;
export const LAW_ALAW: i32 = 1;
export const KEY_NONE: i32 = 0;
export const KEY_KEEP: i32 = -1;
export const FLAG_SENDING: i32 = 1;
export const FLAG_RECEIVING: i32 = 2;
export const FLAG_RTCP_MUX: i32 = 4;
/** A new description of the far end: a latched source is given up. */
export const FLAG_RENEGOTIATED: i32 = 8;
/** Keys are also heard as tones in the audio. */
export const FLAG_DETECT_DTMF: i32 = 16;
/** Pauses are not sent: the far end is told what they sound like (RFC 3389 §4). */
export const FLAG_COMFORT_NOISE: i32 = 32;
/** Keys of the other side of a bridge do not go out in this leg's media: something else brings them to the far end. */
export const FLAG_DIGITS_ELSEWHERE: i32 = 64;
export const SOURCE_NEGOTIATED: i32 = 0;
export const SOURCE_ADDRESS: i32 = 1;
export const SOURCE_LATCH: i32 = 2;

/** The block that `engineStats` fills; it lies where the configuration block does. */
export const STATS_BYTES: i32 = 320;
/** 64-bit floats. */
export const STATS_OCTETS_RECEIVED: i32 = 0;
export const STATS_OCTETS_SENT: i32 = 8;
export const STATS_JITTER_MS: i32 = 16;
/** Negative: not known. */
export const STATS_ROUND_TRIP_MS: i32 = 24;
/** 32-bit words. */
export const STATS_PACKETS_RECEIVED: i32 = 32;
export const STATS_PACKETS_SENT: i32 = 36;
/** Signed: duplicates that the network made count against losses (RFC 3550 §6.4.1). */
export const STATS_PACKETS_LOST: i32 = 40;
export const STATS_FRAMES_CONCEALED: i32 = 44;
/** One counter per status: the drops of `-status` stand at STATS_DROPS + 4 * -status. */
export const STATS_DROPS: i32 = 64;
export const DROP_COUNTERS: i32 = 24;
/** How losses lie (RFC 3611 §4.7.2): packets judged, lost or discarded, discarded; runs of losses; bursts and gaps. */
export const STATS_PATTERN_PACKETS: i32 = 160;
export const STATS_PATTERN_MISSING: i32 = 164;
export const STATS_PATTERN_DISCARDED: i32 = 168;
export const STATS_LOSS_RUNS: i32 = 172;
export const STATS_BURSTS: i32 = 176;
export const STATS_BURST_PACKETS: i32 = 180;
export const STATS_BURST_MISSING: i32 = 184;
export const STATS_GAPS: i32 = 188;
/** Samples of the audio packet that came last. */
export const STATS_PACKET_SAMPLES: i32 = 192;
/** What the jitter buffer holds back, ms; 0 while it does not run. */
export const STATS_JITTER_DEPTH_MS: i32 = 196;
export const STATS_REPORTS_RECEIVED: i32 = 200;
/** Parts of reports whose sender is not the one whose stream is received. */
export const STATS_REPORTS_FOREIGN: i32 = 204;
/** What the far end last reported about what we send: 1 when it did; cumulative loss, fraction of 256, jitter in samples. */
export const STATS_REMOTE_KNOWN: i32 = 208;
export const STATS_REMOTE_LOST: i32 = 212;
export const STATS_REMOTE_FRACTION: i32 = 216;
export const STATS_REMOTE_JITTER: i32 = 220;
/** 64-bit floats again: mean squares relative to the overload point, over the last 100 ms of either track. */
export const STATS_INBOUND_MEAN_SQUARE: i32 = 224;
export const STATS_OUTBOUND_MEAN_SQUARE: i32 = 232;
/** Shortest and longest round trip, negative when not known. */
export const STATS_ROUND_TRIP_MIN_MS: i32 = 240;
export const STATS_ROUND_TRIP_MAX_MS: i32 = 248;
/** 1 when the far end sent VoIP metrics about what we send, and their 28 octets as they came (RFC 3611 §4.7). */
export const STATS_VOIP_KNOWN: i32 = 256;
export const STATS_VOIP_METRICS: i32 = 260;
/** Where the SRTP stream that is received stands: 1 when there is one; SSRC, ROC, last sequence number, last SRTCP index. */
export const STATS_SRTP_KNOWN: i32 = 288;
export const STATS_SRTP_SSRC: i32 = 292;
export const STATS_SRTP_ROC: i32 = 296;
export const STATS_SRTP_HIGHEST: i32 = 300;
export const STATS_SRTP_RTCP_INDEX: i32 = 304;

/** What `engineInit` returns: the address of a table with these 32-bit words, each an address or a size. */
export const DIRECTORY_STATE: i32 = 0;
export const DIRECTORY_INPUT: i32 = 4;
export const DIRECTORY_INPUT_ENTRIES: i32 = 8;
export const DIRECTORY_OUT_ENTRIES: i32 = 12;
export const DIRECTORY_FRAME_ENTRIES: i32 = 16;
export const DIRECTORY_EVENTS: i32 = 20;
/** Configuration in, statistics out. */
export const DIRECTORY_CONTROL: i32 = 24;
export const DIRECTORY_RANDOM: i32 = 28;
export const DIRECTORY_RANDOM_BYTES: i32 = 32;
/** Staging for what crosses by value: playback octets, stream identifiers. */
export const DIRECTORY_STAGE: i32 = 36;
export const DIRECTORY_STAGE_BYTES: i32 = 40;
/** A message of a consumer and the octets of its payload. */
export const DIRECTORY_MESSAGE: i32 = 44;
export const DIRECTORY_MESSAGE_BYTES: i32 = 48;
export const DIRECTORY_DECODED: i32 = 52;
export const DIRECTORY_DECODED_BYTES: i32 = 56;
export const DIRECTORY_BYTES: i32 = 64;

/** Words of the state block: what is waiting to be fetched, and counters. The reader sets a count to 0 when it has read. */
export const STATE_OUT_COUNT: i32 = 0;
export const STATE_FRAME_COUNT: i32 = 4;
export const STATE_EVENT_COUNT: i32 = 8;
/** Octets of the random area that are used up. */
export const STATE_RANDOM_USED: i32 = 12;
export const STATE_OUT_DROPPED: i32 = 16;
export const STATE_FRAMES_DROPPED: i32 = 20;
export const STATE_EVENTS_DROPPED: i32 = 24;
/** Input entries of the present batch that are dealt with. */
export const STATE_RECEIVE_CURSOR: i32 = 28;
/** The leg that is being worked on, or -1: whom to blame for a trap. */
export const STATE_CURRENT_LEG: i32 = 32;
export const STATE_BYTES: i32 = 64;

/** Octets of a leg's playback ring: what a consumer or player may have queued inside the engine (256 ms). */
export const PLAYBACK_BYTES: i32 = 2048;
/** Digits that may wait to be sent. */
export const DIGITS_MAX: i32 = 32;

/** Options of `engineOpenStream`, added up. */
export const STREAM_INBOUND: i32 = 1;
export const STREAM_OUTBOUND: i32 = 2;
/** Silence is written when no media comes, so that frames go on every 20 ms. */
export const STREAM_FILL_SILENCE: i32 = 4;
/** 160 octets of mu-law instead of a WebSocket frame. */
export const STREAM_RAW: i32 = 8;

/** Legs of one conference; more are joined by ports. */
export const CONFERENCE_LEGS_MAX: i32 = 64;
/** Ports of one conference: ways for what is mixed elsewhere, in another worker above all. */
export const CONFERENCE_PORTS_MAX: i32 = 8;
/** Blocks of 160 16-bit samples that may wait in a port, each way. */
export const PORT_BLOCKS: i32 = 4;
export const PORT_BLOCK_BYTES: i32 = 320;
/** What a member of a conference does not do: speak, or hear. */
export const MEMBER_MUTED: i32 = 1;
export const MEMBER_DEAF: i32 = 2;

/** What one tick of a jitter buffer played. */
export const PLAY_NORMAL: i32 = 0;
export const PLAY_CONCEALED: i32 = 1;
export const PLAY_SILENCE: i32 = 2;
export const PLAY_NOISE: i32 = 3;
