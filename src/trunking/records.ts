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
  /** Signs webhooks. Never logged, never returned but by the account resource. */
  readonly authToken: string;
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

/** An Elastic SIP trunk (R-GEN-1, R-GEN-3). */
export interface Trunk extends RecordBase, LinkOptions {
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
  readonly ipAclSids: readonly string[];
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
export interface SipDomain extends RecordBase {
  /** The label before `.sip.BASE`, lower case. */
  readonly domainName: string;
  readonly friendlyName: string;
  readonly byocTrunkSid: string | null;
  readonly secure: boolean;
  readonly ipAclSids: readonly string[];
  readonly credentialListSids: readonly string[];
  /** Used when no BYOC trunk is set. */
  readonly voiceUrl: string | null;
  readonly voiceMethod: HttpMethod;
  readonly voiceFallbackUrl: string | null;
  readonly voiceFallbackMethod: HttpMethod;
  readonly symmetricRtp: boolean;
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
export interface PhoneNumber extends RecordBase {
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
  /** Properties of functions that are not offered, kept as they were given. */
  readonly echoed?: Readonly<Record<string, string | null>>;
}

/** A verified caller id that is no number of ours (R-CID-3). */
export interface OutgoingCallerId extends RecordBase {
  readonly phoneNumber: string;
  readonly friendlyName: string;
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
}

export type RecordKind = keyof RecordKinds;
