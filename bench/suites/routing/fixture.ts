/** A store as large as the goal of routing says: 10,000 trunks, 100,000 numbers, 1,000 ranges, all of which guard every trunk. */

import type { Change } from "../../../src/store/store.ts";
import type { Account, ConnectionPolicy, IpAcl, OriginationTarget } from "../../../src/trunking/records.ts";
import { testByocTrunk, testPhoneNumber, testTrunk } from "../../../test/support/records.ts";

export const BASE = "bench.test";
export const TRUNKS = 10_000;
export const NUMBERS = 100_000;
export const ACCOUNTS = 100;
const ACLS = 10;
const RANGES_EACH = 100;
const URLS_EACH = 4;
/** Of the last range of the last list. */
export const SOURCE_ADDRESS = `10.${ACLS - 1}.${RANGES_EACH - 1}.77`;
export const ABOUT = "10,000 trunks, 100,000 numbers, 1,000 ranges";

export const sid = (prefix: string, number: number): string => prefix + number.toString(16).padStart(32, "0");
export const accountSid = (number: number): string => sid("AC", number % ACCOUNTS);
export const numberAt = (number: number): string => `+1555${String(number).padStart(7, "0")}`;
export const authToken = "a-token-of-the-benchmark";

const at = (number: number): string => new Date(Date.UTC(2026, 0, 1) + number * 1000).toISOString();
const base = (prefix: string, number: number, account: number) => ({
  sid: sid(prefix, number),
  accountSid: accountSid(account),
  dateCreated: at(number),
  dateUpdated: at(number),
});
const target = (prefix: "OU" | "NE", number: number, account: number, parentSid: string): OriginationTarget => ({
  ...base(prefix, number, account),
  parentSid,
  friendlyName: "pbx",
  sipUrl: `sip:192.0.2.${number % 250};transport=tcp?X-a=1`,
  priority: 10 * (1 + (number % 2)),
  weight: 10 + (number % 3),
  enabled: true,
});

/** @param ownerOf - account of a number; default: spread over all. Trunk `n` belongs to account `n mod 100`. */
export function* records(ownerOf: (number: number) => number = (number) => number): Generator<Change> {
  for (let n = 0; n < ACCOUNTS; n++) {
    const account: Account = { sid: accountSid(n), friendlyName: `account ${n}`, parentSid: null, authToken };
    yield { kind: "accounts", put: account };
    const policy: ConnectionPolicy = { ...base("NY", n, n), friendlyName: "policy" };
    yield { kind: "connectionPolicies", put: policy };
    for (let t = 0; t < 3; t++) yield { kind: "connectionPolicyTargets", put: target("NE", n * 10 + t, n, policy.sid) };
    const byoc = testByocTrunk({
      ...base("BY", n, n),
      friendlyName: "carrier",
      connectionPolicySid: policy.sid,
      defaultCarrier: true,
    });
    yield { kind: "byocTrunks", put: byoc };
  }
  const acls = Array.from(
    { length: ACLS },
    (_, list): IpAcl => ({
      ...base("AL", list, 0),
      friendlyName: `list ${list}`,
      addresses: Array.from({ length: RANGES_EACH }, (_, entry) => ({
        sid: sid("IP", list * RANGES_EACH + entry),
        friendlyName: "range",
        ipAddress: `10.${list}.${entry}.0`,
        prefixLength: 24,
      })),
    }),
  );
  for (const put of acls) yield { kind: "ipAcls", put };
  for (let n = 0; n < TRUNKS; n++) {
    const trunk = testTrunk({
      ...base("TK", n, n),
      friendlyName: `trunk ${n}`,
      domainName: `t${n}`,
      ipAclSids: acls.map((acl) => acl.sid),
      callsPerSecondMax: 1_000_000,
    });
    yield { kind: "trunks", put: trunk };
    for (let u = 0; u < URLS_EACH; u++) yield { kind: "originationUrls", put: target("OU", n * 10 + u, n, trunk.sid) };
  }
  for (let n = 0; n < NUMBERS; n++) {
    const number = testPhoneNumber({
      ...base("PN", n, ownerOf(n)),
      phoneNumber: numberAt(n),
      friendlyName: numberAt(n),
      trunkSid: sid("TK", n % TRUNKS),
    });
    yield { kind: "phoneNumbers", put: number };
  }
}
