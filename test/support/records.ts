/** Records with the defaults of R-GEN-3, to be changed field by field in tests. */

import type {
  Account,
  ByocTrunk,
  ConnectionPolicy,
  CredentialList,
  IpAcl,
  OriginationTarget,
  OutgoingCallerId,
  PhoneNumber,
  SipDomain,
  Trunk,
} from "../../src/trunking/records.ts";

let next = 0;

/** A new identifier of that kind; every call gives another. */
export function testSid(prefix: string): string {
  return prefix + (++next).toString(16).padStart(32, "0");
}

export const TEST_ACCOUNT = `AC${"a".repeat(32)}`;
const DATE = "2026-01-01T00:00:00.000Z";

function base(prefix: string) {
  return { sid: testSid(prefix), accountSid: TEST_ACCOUNT, dateCreated: DATE, dateUpdated: DATE };
}

export function testAccount(changes: Partial<Account> = {}): Account {
  return { sid: testSid("AC"), friendlyName: "test", parentSid: null, authToken: "token", ...changes };
}

export function testTrunk(changes: Partial<Trunk> = {}): Trunk {
  return {
    ...base("TK"),
    friendlyName: "trunk",
    domainName: "example",
    secure: false,
    symmetricRtp: false,
    cnamLookup: false,
    transferMode: "disable-all",
    transferCallerId: "from-transferee",
    disasterRecoveryUrl: null,
    disasterRecoveryMethod: "POST",
    ipAclSids: [],
    credentialListSids: [],
    carrierLink: null,
    callerIdPolicy: "owned",
    callsPerSecondMax: null,
    concurrentCallsMax: null,
    destinationAllowList: [],
    tlsVerify: true,
    ...changes,
  };
}

export function testTarget(changes: Partial<OriginationTarget> = {}): OriginationTarget {
  return {
    ...base("OU"),
    parentSid: testSid("TK"),
    friendlyName: "target",
    sipUrl: "sip:sbc.example",
    priority: 10,
    weight: 10,
    enabled: true,
    ...changes,
  };
}

export function testSipDomain(changes: Partial<SipDomain> = {}): SipDomain {
  return {
    ...base("SD"),
    domainName: "example",
    friendlyName: "domain",
    byocTrunkSid: null,
    secure: false,
    ipAclSids: [],
    credentialListSids: [],
    voiceUrl: null,
    voiceMethod: "POST",
    voiceFallbackUrl: null,
    voiceFallbackMethod: "POST",
    symmetricRtp: false,
    ...changes,
  };
}

export function testAcl(...ranges: (readonly [ipAddress: string, prefixLength: number])[]): IpAcl {
  const addresses = ranges.map(([ipAddress, prefixLength]) => ({
    sid: testSid("IP"),
    friendlyName: ipAddress,
    ipAddress,
    prefixLength,
  }));
  return { ...base("AL"), friendlyName: "acl", addresses };
}

export function testByocTrunk(changes: Partial<ByocTrunk> = {}): ByocTrunk {
  return {
    ...base("BY"),
    friendlyName: "byoc",
    voiceUrl: null,
    voiceMethod: "POST",
    voiceFallbackUrl: null,
    voiceFallbackMethod: "POST",
    statusCallbackUrl: null,
    statusCallbackMethod: "POST",
    cnamLookup: false,
    connectionPolicySid: null,
    fromDomainSid: null,
    defaultCarrier: false,
    targetUsername: null,
    targetPassword: null,
    tlsVerify: true,
    ...changes,
  };
}

export function testPolicy(changes: Partial<ConnectionPolicy> = {}): ConnectionPolicy {
  return { ...base("NY"), friendlyName: "policy", ...changes };
}

export function testCredentialList(changes: Partial<CredentialList> = {}): CredentialList {
  return { ...base("CL"), friendlyName: "credentials", credentials: [], ...changes };
}

export function testPhoneNumber(changes: Partial<PhoneNumber> = {}): PhoneNumber {
  return {
    ...base("PN"),
    phoneNumber: "+14158675309",
    friendlyName: "number",
    trunkSid: null,
    voiceUrl: null,
    voiceMethod: "POST",
    voiceFallbackUrl: null,
    voiceFallbackMethod: "POST",
    statusCallbackUrl: null,
    statusCallbackMethod: "POST",
    ...changes,
  };
}

export function testOutgoingCallerId(changes: Partial<OutgoingCallerId> = {}): OutgoingCallerId {
  return { ...base("PN"), phoneNumber: "+14155550000", friendlyName: "verified", ...changes };
}
