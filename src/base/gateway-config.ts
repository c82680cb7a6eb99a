/**
 * The settings of a gateway: types only, so that whoever reads them from a file and whoever builds a gateway from them
 * agree. Every field is there; defaults have been filled in. Durations end in their unit. `null` means "not set".
 */

/** Everything but the objects (trunks, numbers …), which live in the store. */
export interface GatewayConfig {
  readonly domains: DomainsConfig;
  readonly sip: SipConfig;
  readonly tls: TlsConfig;
  readonly srtp: SrtpConfig;
  readonly http: HttpConfig;
  readonly media: MediaConfig;
  readonly streams: StreamsConfig;
  readonly webhooks: WebhooksConfig;
  readonly auth: AuthConfig;
  readonly termination: TerminationConfig;
  readonly redirect: RedirectConfig;
  readonly edges: readonly EdgeConfig[];
  readonly store: StoreConfig;
  readonly log: LogConfig;
  readonly explain: ExplainConfig;
  readonly recordings: RecordingsConfig;
  readonly voiceTrace: VoiceTraceConfig;
  readonly compliance: ComplianceConfig;
  readonly cnam: CnamConfig;
  readonly records: RecordsConfig;
  readonly staticIp: StaticIpConfig;
  readonly verification: VerificationConfig;
}

export interface DomainsConfig {
  /** DNS suffix: `{name}.pstn.BASE`, `{name}.sip.BASE`. Lower case. */
  readonly base: string;
}

/** Ports: null does not listen, 0 takes any free one. */
export interface SipConfig {
  /** Address that the listeners bind to. */
  readonly address: string;
  /** Address in Via and Contact when it is another one (R-NET-4). */
  readonly announce: string | null;
  readonly udpPort: number | null;
  readonly tcpPort: number | null;
  /** Listens only when `tls.certFile` is set. */
  readonly tlsPort: number | null;
  /** Requests for hosts that are none of ours (requirements 0.1). */
  readonly unknownDomain: "drop" | "404";
  /** Requests above this leave over TCP (RFC 3261 §18.1.1). */
  readonly udpMaxRequestBytes: number;
  /** T1 of RFC 3261 §17.1.1.1. */
  readonly t1Ms: number;
  readonly connectTimeoutMs: number;
  readonly connectionsMax: number;
  readonly connectionsPerSourceMax: number;
  /** Of `connectionsMax`, for addresses of access control lists and of trunks that were let in (hardening R16). */
  readonly connectionsReserved: number;
  /** Pings on quiet connections that we opened (R-KEEP-6); 0 sends none. */
  readonly keepAliveSeconds: number;
  /** Mark of signalling (SIP-TP-16); 0 leaves it to the system. */
  readonly dscp: number;
  /** Our own OPTIONS to each target that says nothing itself (R-KEEP-6); 0 sends none. */
  readonly targetOptionsSeconds: number;
  /** Name servers for targets, `address` or `address:port`; none: those of the system (SIP-DNS-7). */
  readonly dnsServers: readonly string[];
  /** NAPTR for targets that name neither transport nor port (SIP-DNS-2). */
  readonly naptr: boolean;
  /** Give a UDP target up at once when an ICMP message says that nobody listens there (SIP-TP-14). */
  readonly watchDestinations: boolean;
  /** Session timers (RFC 4028): what is asked for, 0 for none at all; and the shortest that is taken (Min-SE). */
  readonly sessionExpiresSeconds: number;
  readonly sessionMinSeconds: number;
  /** 100rel and PRACK (RFC 3262) are offered and taken. */
  readonly reliableProvisional: boolean;
  /** Peers behind NAT are reached where they sent from, whatever their Contact says (SIP-DLG-6). */
  readonly symmetricSignalling: boolean;
  /** User-Agent and Server; "" for none (SIP-DLG-15). */
  readonly productName: string;
  /** R-ORIG-17. */
  readonly noAnswerMs: number;
  /** R-ORIG-23: ringing of one attempt, and silence of all attempts in sum. */
  readonly ringLimitMs: number;
  readonly silentTotalMs: number;
  /** SIP-INV-13. */
  readonly callDurationMaxMs: number;
  /** What `<Reject>` answers (R-BYOC-5). */
  readonly rejectStatus: 404 | 603;
  /** R-KEEP-2: OPTIONS of one source for one domain. */
  readonly optionsBurst: number;
  readonly optionsRefillMs: number;
  /** Lateness of the main thread, or of all media workers, above which new calls get 503 (SIP-OVL-1); 0: never. */
  readonly overloadLagMs: number;
  /** Calls that may begin within one second, of all trunks and SIP domains together (SIP-OVL-1); null: no limit. */
  readonly callsPerSecondMax: number | null;
  /** Requests of one source that is in no list and has sent no right password (SIP-OVL-4). */
  readonly strangerBurst: number;
  readonly strangerRefillMs: number;
}

/** Paths are absolute. */
export interface TlsConfig {
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** Certificates by server name (R-SEC-13); `*.example.net` covers one label. */
  readonly perDomain: readonly { readonly name: string; readonly certFile: string; readonly keyFile: string }[];
  /** Authorities that peers are checked against, besides the system's (R-SEC-14). */
  readonly caFile: string | null;
  /** Certificates of SIP clients, checked against `caFile` (SIP-TP-13). */
  readonly clientCertificates: "off" | "request" | "require";
  /** Targets may show a wildcard certificate (SIP-TP-12). */
  readonly wildcards: boolean;
  /** Also TLS 1.0 and 1.1 (R-SEC-2). */
  readonly allowDeprecated: boolean;
}

export interface SrtpConfig {
  /** A trunk that is not secure may answer SRTP (R-SEC-4). */
  readonly optional: boolean;
}

export interface HttpConfig {
  readonly address: string;
  /** null: no HTTP at all; 0: any free port. */
  readonly port: number | null;
  /** Base of the absolute URLs that the gateway gives out; null: made from address and port. */
  readonly publicBaseUrl: string | null;
  /** Absolute path of a folder whose `NAME.xml` are served as `/documents/NAME.xml` (R-BYOC-19); null: none. */
  readonly documents: string | null;
}

export interface MediaConfig {
  /** Address that media sockets bind to; null: that of SIP. */
  readonly address: string | null;
  /** Address in SDP when it is another one; null: that of SIP (R-NET-4). */
  readonly announce: string | null;
  /** RTP ports are the even ones of this range, RTCP follows (R-MEDIA-11); 0 and 0: any free ones. */
  readonly portMin: number;
  readonly portMax: number;
  readonly workers: number | "auto";
  readonly legsPerWorker: number;
  /** Mark of media packets (SIP-TP-16); 0 leaves it to the system. */
  readonly dscp: number;
  readonly datagrams: "auto" | "batched" | "dgram";
  /** Calls at one time (R-MEDIA-8); null: what workers and ports allow. */
  readonly maxCalls: number | null;
  /** Symmetric RTP of new trunks and domains (R-MEDIA-1). */
  readonly symmetricDefault: boolean;
  /** Which packets of plain RTP are taken while symmetric RTP is off. */
  readonly sourcePolicy: "negotiated" | "address";
  /** Silence that ends a call (RTP-SES-8); 0 never does. */
  readonly rtpTimeoutSeconds: number;
  /** File that is heard while the other side holds the call and says nothing (SDP-9); null: silence. */
  readonly holdAudio: string | null;
}

/** media-streams.md 13. */
export interface StreamsConfig {
  readonly allowInsecureWs: boolean;
  readonly allowQuery: boolean;
  readonly connectTimeoutMs: number;
  readonly upgradeTimeoutMs: number;
  readonly maxSendBufferMs: number;
  readonly playbackBufferSeconds: number;
  readonly maxMessageBytes: number;
  readonly pendingMarksMax: number;
  readonly fillSilence: boolean;
  readonly userAgent: string;
  readonly caFile: string | null;
  readonly tlsVerify: boolean;
}

export interface WebhooksConfig {
  readonly connectTimeoutMs: number;
  /** Whole answer, connecting included. */
  readonly totalTimeoutMs: number;
  readonly bodyBytesMax: number;
  /** Ranges of loopback and private addresses that webhooks and streams may reach (hardening R20); `all` for every one. */
  readonly allowPrivateAddresses: readonly string[];
  readonly caFile: string | null;
}

export interface AuthConfig {
  /** Realm of challenges; null: the name of the domain that is called (R-AUTH-10). */
  readonly realm: string | null;
  readonly nonceSeconds: number;
  /** Also challenge with SHA-256, before MD5 (R-AUTH-10). Off by default: older peers take the first challenge only. */
  readonly sha256: boolean;
  /** R-AUTH-15. */
  readonly failuresPerMinuteMax: number;
  readonly blockSeconds: number;
  /** Seals secrets in the store (R-AUTH-11): a file, or the key itself from the environment. */
  readonly operatorKeyFile: string | null;
  readonly operatorKey: string | null;
}

export interface TerminationConfig {
  /** Called numbers that need not be E.164 (R-TERM-8). */
  readonly shortCodes: readonly string[];
}

/** Where 302 and REFER may lead (R-REDIR-10, hardening R19). */
export interface RedirectConfig {
  readonly reach: "public" | "private" | "any";
  /** Host names, addresses and ranges. */
  readonly denied: readonly string[];
}

/**
 * A place where calls come in and leave (R-EDGE-1). Edges with `listen` are served by this process, each on addresses of its
 * own; without any such the process is one edge, on the addresses of `sip` and `media` (R-EDGE-11).
 */
export interface EdgeConfig {
  readonly name: string;
  /** Older name, such as `jp1`. */
  readonly region: string | null;
  /** Addresses that SIP listens on; none: the edge is elsewhere, and known here by its names only. */
  readonly listen: readonly string[];
  /** What Via and Contact say for each address of `listen`, in that order (R-NET-4); none: these addresses. */
  readonly announce: readonly string[];
  /** null: as `sip` has it. */
  readonly udpPort: number | "off" | null;
  readonly tcpPort: number | "off" | null;
  readonly tlsPort: number | "off" | null;
  /** Signalling addresses for DNS and firewalls, those of other hosts too (R-EDGE-4); none: the announced ones. */
  readonly addresses: readonly string[];
  readonly media: EdgeMediaConfig;
  /** Name of the interconnect connection that `;tnx=` gives it (R-NET-5). */
  readonly tnx: string | null;
}

export interface EdgeMediaConfig {
  /** null: the first of `listen`. No two edges share one. */
  readonly address: string | null;
  /** null: what is announced for the first of `listen`, if `address` is that one. */
  readonly announce: string | null;
  /** null: as `media` has it. */
  readonly portMin: number | null;
  readonly portMax: number | null;
}

export interface StoreConfig {
  /** Absolute path of the data file; null keeps everything in memory. */
  readonly path: string | null;
}

export interface LogConfig {
  readonly level: "debug" | "info" | "warn" | "error" | "silent";
  readonly format: "json" | "pretty";
}

/** What `tandem explain` can tell: SIP messages of recent calls, kept in memory alone, secrets masked. */
export interface ExplainConfig {
  /** Dialogs whose messages are kept; a call through the gateway has two. 0 keeps none. */
  readonly dialogsMax: number;
  /** Octets of all of them. 0 keeps none. */
  readonly bytesMax: number;
}

/** Recordings of calls (R-REC). */
export interface RecordingsConfig {
  /** Absolute path of a folder; null: `recordings` beside the store's file, and without one nothing is recorded. */
  readonly folder: string | null;
  /** Age at which a recording is deleted; 0: when somebody deletes it. */
  readonly retentionHours: number;
  /** Longest recording of one call. */
  readonly secondsMax: number;
  /** Octets of all recordings, above which none begins; null: the disk is the limit. */
  readonly bytesMax: number | null;
}

/** Voice traces of accounts that switch them on (R-COMP-2, R-COMP-3). */
export interface VoiceTraceConfig {
  /** Absolute path of a folder; null: `voice-traces` beside the store's file, and without one nothing is kept. */
  readonly folder: string | null;
  /** Age at which a trace is deleted. */
  readonly retentionHours: number;
  /** Longest trace of one call. */
  readonly secondsMax: number;
}

export interface ComplianceConfig {
  /** R-COMP-6. */
  readonly noAudioAtRest: boolean;
}

/** BYOC by source address (R-NET-6 to R-NET-9). */
export interface StaticIpConfig {
  /** Ranges of the interconnect connections: IP records have to lie inside one of them (R-NET-7). */
  readonly ranges: readonly string[];
  /** IP records may lie anywhere. */
  readonly anywhere: boolean;
  /** Edges at which calls are known by their source (R-NET-9); none: the first one alone. */
  readonly edges: readonly string[];
}

/** Names of callers for trunks that ask for them (R-CNAM-4). Without a source there is no lookup. */
export interface CnamConfig {
  /** Template with `{number}` (+14155550100, percent-encoded) or `{digits}`; wins over the file. */
  readonly url: string | null;
  /** Absolute path of a table: lines of `+14155550100,ACME INC`. */
  readonly file: string | null;
  /** Longest that a call waits for a name. */
  readonly timeoutMs: number;
  readonly cacheSeconds: number;
  readonly cacheMax: number;
}

export interface RecordsConfig {
  /** Absolute path of the file that gets a JSON line for each ended leg; null: none. */
  readonly file: string | null;
}

/** Caller ids that are no numbers of ours (R-CID-4). */
export interface VerificationConfig {
  /** `trust`: POST adds them without asking; `off`: only the configuration file does. */
  readonly mode: "off" | "trust";
}
