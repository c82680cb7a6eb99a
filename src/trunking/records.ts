/**
 * The records that the rules work on and the store keeps: plain data, one interface a resource, named and limited as the
 * REST resources of the same kind. All dates are ISO 8601 text. No behaviour here.
 */

import type { HttpMethod } from "../base/http.ts";

/** Fields that every record has. */
export interface RecordBase {
  readonly sid: string;
  readonly accountSid: string;
  readonly dateCreated: string;
  readonly dateUpdated: string;
}

export interface Account {
  readonly sid: string;
  readonly friendlyName: string;
  readonly parentSid: string | null;
  /** Signs webhooks. Never logged, never returned but by the account resource, once, when it is made. */
  readonly authToken: string;
  /** Absent: active. Suspended: nothing is changed and no call made; closed: it is gone for good. */
  readonly status?: AccountStatus;
  /** Absent for accounts of older data files. */
  readonly dateCreated?: string;
  readonly dateUpdated?: string;
}

export type AccountStatus = "active" | "suspended" | "closed";

/** Acts for its account over REST; the secret itself is never kept (R-EDGE-9). */
export interface ApiKey extends RecordBase {
  readonly friendlyName: string;
  /** SHA-256 of the secret, hex. Secrets are random, so that there is nothing to guess and no need of a slow hash. */
  readonly secretHash: string;
  /** Edge that it is good for, null for all. */
  readonly region: string | null;
}

/** How calls leave towards the far end of a trunk; what is absent is off. */
export interface LinkOptions {
  /** The far end is of our trust domain: it is told who calls even when the caller is anonymous to others (RFC 3325, SIP-ID-1). */
  readonly trusted?: boolean;
  /** Headers of the call that came, as `readPassedHeader` takes them (SIP-ID-7, SIP-ID-9, SIP-ID-10). */
  readonly passHeaders?: readonly string[];
  /** `user=phone` where the user is a number (SIP-ID-11). */
  readonly userPhone?: boolean;
  /** DTMF-7. */
  readonly infoDigits?: InfoDigits;
}

/** Where a domain lets requests come from. */
export interface SourceGuards {
  readonly ipAclSids: readonly string[];
  /** Names of client certificates that stand in for an entry of a list (SIP-TP-13), lower case; absent: none. */
  readonly certificateNames?: readonly string[];
}

/** An Elastic SIP trunk (R-GEN-1, R-GEN-3). */
export interface Trunk extends RecordBase, LinkOptions, RoutedRegion, SourceGuards {
  readonly friendlyName: string;
  /** The label before `.pstn.BASE`, lower case, or null. */
  readonly domainName: string | null;
  readonly secure: boolean;
  readonly symmetricRtp: boolean;
  readonly cnamLookup: boolean;
  readonly transferMode: "disable-all" | "sip-only" | "enable-all";
  readonly transferCallerId: "from-transferee" | "from-transferor";
  readonly disasterRecoveryUrl: string | null;
  readonly disasterRecoveryMethod: HttpMethod;
  readonly credentialListSids: readonly string[];
  /** R-GEN-6; null: the default carrier, if any. */
  readonly carrierLink: CarrierLink | null;
  readonly callerIdPolicy: "owned" | "any";
  /** R-TERM-15; null: none. */
  readonly callsPerSecondMax: number | null;
  readonly concurrentCallsMax: number | null;
  /** R-CID-6: empty allows all; otherwise prefixes in E.164. */
  readonly destinationAllowList: readonly string[];
  /** R-SEC-14. */
  readonly tlsVerify: boolean;
  /** R-REC-1; absent: `do-not-record`. */
  readonly recordingMode?: RecordingMode;
  /** R-REC-5; absent: `do-not-trim`. */
  readonly recordingTrim?: RecordingTrim;
}

/** Which calls of a trunk are recorded, from when on, and whether each side has a channel of its own (R-REC-1). */
export type RecordingMode =
  | "do-not-record"
  | "record-from-ringing"
  | "record-from-answer"
  | "record-from-ringing-dual"
  | "record-from-answer-dual";

export type RecordingTrim = "do-not-trim" | "trim-silence";

/** Where calls to a number or domain are processed, whatever edge they reach (R-EDGE-8). */
export interface RoutedRegion {
  /** Region or edge as it was given (`jp1`, `tokyo`); absent or null: where calls arrive. */
  readonly voiceRegion?: string | null;
  /** Name of the assignment. */
  readonly routeName?: string;
}

/** Whether keys go to the far end by SIP INFO instead of in the media: never, where it took no telephone-event, or always (DTMF-7). */
export type InfoDigits = "off" | "without-events" | "always";

/** Where termination calls of a trunk go (R-GEN-6). */
export type CarrierLink =
  | { readonly kind: "byoc"; readonly byocTrunkSid: string }
  | { readonly kind: "trunk"; readonly trunkSid: string }
  | { readonly kind: "twiml"; readonly url: string; readonly method: HttpMethod };

/** Origination URI of a trunk (R-ORIG) or target of a connection policy (R-BYOC-10): one rule for both (R-BYOC-11). */
export interface OriginationTarget extends RecordBase {
  /** Trunk or connection policy that it belongs to. */
  readonly parentSid: string;
  readonly friendlyName: string;
  readonly sipUrl: string;
  /** 0 to 65535, lowest first. */
  readonly priority: number;
  /** 1 to 65535; 0 on trunks only: last resort of its priority (R-ORIG-13). */
  readonly weight: number;
  readonly enabled: boolean;
  /** Seconds between our own OPTIONS to it, 0 for none; absent or null: as `sip.targetOptionsSeconds` says (R-KEEP-6). */
  readonly optionsSeconds?: number | null;
}

/** BYOC trunk (R-BYOC-1). */
export interface ByocTrunk extends RecordBase, LinkOptions {
  readonly friendlyName: string;
  readonly voiceUrl: string | null;
  readonly voiceMethod: HttpMethod;
  readonly voiceFallbackUrl: string | null;
  readonly voiceFallbackMethod: HttpMethod;
  readonly statusCallbackUrl: string | null;
  readonly statusCallbackMethod: HttpMethod;
  readonly cnamLookup: boolean;
  readonly connectionPolicySid: string | null;
  readonly fromDomainSid: string | null;
  /** The BYOC trunk that termination calls of trunks use when they name none (R-GEN-6). */
  readonly defaultCarrier: boolean;
  /** The gateway registers there as a client, so that the carrier finds it (SIP-REG-3); absent or null: it does not. */
  readonly registration?: CarrierRegistration | null;
  /** Credentials that its targets may ask for (SIP-AUTH-7), or null. */
  readonly targetUsername: string | null;
  readonly targetPassword: string | null;
  readonly tlsVerify: boolean;
}

/** Where and as whom the gateway registers. */
export interface CarrierRegistration {
  /** SIP URI of the registrar: `sip:carrier.example.com;transport=tls`. */
  readonly registrar: string;
  /** User of the address of record, at the registrar's host. */
  readonly user: string;
  /** What is asked for; the registrar may grant less. */
  readonly expiresSeconds: number;
}

export interface ConnectionPolicy extends RecordBase {
  readonly friendlyName: string;
}

/** Termination SIP domain `{name}.sip.BASE` (R-BYOC-2, R-BYOC-3). */
export interface SipDomain extends RecordBase, RoutedRegion, SourceGuards {
  /** The label before `.sip.BASE`, lower case. */
  readonly domainName: string;
  readonly friendlyName: string;
  readonly byocTrunkSid: string | null;
  readonly secure: boolean;
  readonly credentialListSids: readonly string[];
  /** Used when no BYOC trunk is set. */
  readonly voiceUrl: string | null;
  readonly voiceMethod: HttpMethod;
  readonly voiceFallbackUrl: string | null;
  readonly voiceFallbackMethod: HttpMethod;
  readonly statusCallbackUrl?: string | null;
  readonly statusCallbackMethod?: HttpMethod;
  readonly symmetricRtp: boolean;
  /** Kept and told back: emergency calls have no road of their own here. */
  readonly emergencyCalling?: boolean;
  readonly emergencyCallerSid?: string | null;
}

export interface IpAcl extends RecordBase {
  readonly friendlyName: string;
  readonly addresses: readonly IpAclAddress[];
}

/** One entry: an address or the first address of a range (R-AUTH-7). */
export interface IpAclAddress {
  readonly sid: string;
  readonly friendlyName: string;
  readonly ipAddress: string;
  readonly prefixLength: number;
  /** Absent: those of the list. */
  readonly dateCreated?: string;
  readonly dateUpdated?: string;
}

export interface CredentialList extends RecordBase {
  readonly friendlyName: string;
  readonly credentials: readonly Credential[];
}

/** The secret is held so that digest can be computed but not read back from disk (R-AUTH-11). */
export interface Credential {
  readonly sid: string;
  readonly username: string;
  /** Password encrypted with the operator key, see store/secrets.ts. */
  readonly sealedPassword: string;
  /** Absent: those of the list. */
  readonly dateCreated?: string;
  readonly dateUpdated?: string;
}

/** A number of the account (R-NUM). */
export interface PhoneNumber extends RecordBase, RoutedRegion {
  /** E.164 with +. */
  readonly phoneNumber: string;
  readonly friendlyName: string;
  /** With a trunk, voice URLs are ignored (R-NUM-7). */
  readonly trunkSid: string | null;
  readonly voiceUrl: string | null;
  readonly voiceMethod: HttpMethod;
  readonly voiceFallbackUrl: string | null;
  readonly voiceFallbackMethod: HttpMethod;
  readonly statusCallbackUrl: string | null;
  readonly statusCallbackMethod: HttpMethod;
  /** Its voice URLs stand for those of the number; never beside a trunk (R-NUM-7). */
  readonly voiceApplicationSid?: string | null;
  readonly voiceCallerIdLookup?: boolean;
  /** Properties of functions that are not offered, kept as they were given. */
  readonly echoed?: Readonly<Record<string, string | null>>;
}

/** A verified caller id that is no number of ours (R-CID-3). */
export interface OutgoingCallerId extends RecordBase {
  readonly phoneNumber: string;
  readonly friendlyName: string;
}

/** Voice URLs under one name, for numbers and calls. */
export interface Application extends RecordBase {
  readonly friendlyName: string;
  readonly voiceUrl: string | null;
  readonly voiceMethod: HttpMethod;
  readonly voiceFallbackUrl: string | null;
  readonly voiceFallbackMethod: HttpMethod;
  readonly statusCallbackUrl: string | null;
  readonly statusCallbackMethod: HttpMethod;
  readonly voiceCallerIdLookup: boolean;
  /** As in `PhoneNumber`. */
  readonly echoed?: Readonly<Record<string, string | null>>;
}

/** Addresses that a carrier sends from, for domains that are found by them (R-NET-6). IPv4. */
export interface IpRecord extends RecordBase {
  readonly friendlyName: string;
  readonly ipAddress: string;
  /** 1 to 32. */
  readonly prefixLength: number;
}

/** What comes from the addresses of an IP record, to one of ours, is for this SIP domain (R-NET-6, R-NET-8). */
export interface SourceIpMapping extends RecordBase {
  readonly ipRecordSid: string;
  readonly sipDomainSid: string;
}

/** What an account has switched on for its calls; its SID is that of the account. Absent: everything is off (R-COMP-2). */
export interface VoiceSettings extends RecordBase {
  readonly advancedFeatures: boolean;
  readonly voiceTrace: boolean;
}

/** An audio file of a call (R-REC-6). The file lies beside the store, by the name of the SID. */
export interface Recording extends RecordBase {
  /** null for a file that was found without its record. */
  readonly callSid: string | null;
  readonly trunkSid: string | null;
  readonly source: "Trunking";
  /** `absent`: there was nothing to hear. `failed`: nothing could be kept. */
  readonly status: "in-progress" | "completed" | "failed" | "absent";
  readonly channels: 1 | 2;
  readonly startTime: string;
  /** null while it is in progress. */
  readonly durationMs: number | null;
  /** Alert that tells why audio is missing, or null. */
  readonly errorCode: number | null;
}

/** Every kind of record by the name of its table. */
export interface RecordKinds {
  accounts: Account;
  trunks: Trunk;
  originationUrls: OriginationTarget;
  byocTrunks: ByocTrunk;
  connectionPolicies: ConnectionPolicy;
  connectionPolicyTargets: OriginationTarget;
  sipDomains: SipDomain;
  ipAcls: IpAcl;
  credentialLists: CredentialList;
  phoneNumbers: PhoneNumber;
  outgoingCallerIds: OutgoingCallerId;
  apiKeys: ApiKey;
  applications: Application;
  ipRecords: IpRecord;
  sourceIpMappings: SourceIpMapping;
  voiceSettings: VoiceSettings;
  recordings: Recording;
}

export type RecordKind = keyof RecordKinds;
