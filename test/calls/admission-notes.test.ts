/** What a story says of the checks before a call: each list, each verdict, who and where (issue 4, R-AUTH-2 to R-AUTH-4). */
import { describe, expect, it } from "vitest";
import { type AdmissionFindings, admissionNotes } from "../../src/calls/admission-notes.ts";
import type { Flow, SipRequest } from "../../src/sip/message.ts";
import { parseMessage } from "../../src/sip/parser.ts";
import type { IpAcl } from "../../src/trunking/records.ts";
import type { TerminationCheck, TerminationRefused } from "../../src/trunking/termination.ts";
import { testAcl, testCredentialList, testTrunk } from "../support/records.ts";

const REALM = "office.pstn.voice.test";
const RESPONSE = "6629fae49393a05397450978507c4ef1";

function request(username?: string, realm = REALM): SipRequest {
  const digest = `Proxy-Authorization: Digest username="${username}", realm="${realm}", nonce="n", uri="sip:${REALM}", response="${RESPONSE}"`;
  return parseMessage(
    Buffer.from(
      [
        `INVITE sip:+15550100200@${REALM} SIP/2.0`,
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1",
        "From: <sip:+15550100100@192.0.2.1>;tag=1",
        `To: <sip:+15550100200@${REALM}>`,
        "Call-ID: a",
        "CSeq: 1 INVITE",
        "Contact: <sip:a@192.0.2.1>",
        ...(username === undefined ? [] : [digest]),
        "Content-Length: 0",
        "",
        "",
      ].join("\r\n"),
    ),
  ) as SipRequest;
}

const flow: Flow = {
  transport: "udp",
  remoteAddress: "192.0.2.1",
  remotePort: 5060,
  localAddress: "192.0.2.2",
  localPort: 5060,
  connectionId: undefined,
};

const acl = (friendlyName: string, ...addresses: string[]): IpAcl => ({
  ...testAcl(...addresses.map((address) => [address, 32] as const)),
  friendlyName,
});

const list = testCredentialList({
  friendlyName: "users",
  credentials: [{ sid: "CR1", username: "pbx", sealedPassword: "sealed-text" }],
} as Parameters<typeof testCredentialList>[0]);

function findings(changes: Partial<AdmissionFindings>): AdmissionFindings {
  const record = testTrunk({ friendlyName: "office", ipAclSids: ["AL1"], credentialListSids: ["CL1"] });
  return {
    request: request(),
    flow,
    domain: { kind: "trunk", record },
    realm: REALM,
    acls: [acl("lan", "192.0.2.1")],
    lists: [list],
    verdict: refused("limits", ["domain", "access-control-list", "credentials"]),
    ...changes,
  };
}

function refused(check: TerminationCheck, passed: readonly TerminationCheck[] = ["domain"]): TerminationRefused {
  return {
    outcome: "reject",
    status: 403,
    reason: "Forbidden",
    alertCode: 32202,
    check,
    text: "the rule's own words",
    stale: false,
    passed,
  };
}

const told = (changes: Partial<AdmissionFindings>) =>
  admissionNotes(findings(changes)).map(({ text, fields }) => [fields["code"], text]);

describe("admissionNotes", () => {
  it("tells where the call came from, which trunk the host named, and each list that let it in", () => {
    const notes = told({ request: request("pbx") });
    expect(notes).toEqual([
      ["received", "INVITE over UDP from 192.0.2.1:5060"],
      ["domain.matched", `trunk "office", by the host ${REALM}`],
      ["acl.listed", '192.0.2.1 is in access control list "lan" (192.0.2.1/32)'],
      ["credentials.valid", 'user "pbx" proved to know the password'],
      ["refused.limits", "the rule's own words"],
    ]);
  });

  it("names the lists that do not have an address, and no more of them than can be read", () => {
    const acls = Array.from({ length: 6 }, (_, n) =>
      acl(`list ${n}`, ...Array.from({ length: 6 }, (_, m) => `198.51.100.${m}`)),
    );
    const [, , [code, text] = []] = told({ verdict: refused("access-control-list"), acls });
    expect(code).toBe("refused.access-control-list");
    expect(text).toContain('192.0.2.1 is not in "list 0" (198.51.100.0/32, 198.51.100.1/32, ');
    expect(text).toContain("and 2 more");
    expect(text).not.toContain("list 4");
  });

  it("R-AUTH-3: tells a wrong password from an unknown user, which the caller never learns", () => {
    const wrong = (username: string) => told({ request: request(username), verdict: refused("credentials") }).at(-1)!;
    expect(wrong("pbx")).toEqual([
      "refused.password",
      'user "pbx" is in credential list "users", but the password is another',
    ]);
    expect(wrong("nobody")).toEqual(["refused.user-unknown", 'user "nobody" is in no credential list of the domain']);
  });

  it("says what was asked for when there were no credentials, or those of another realm", () => {
    const verdict: TerminationRefused = {
      ...refused("credentials"),
      outcome: "challenge",
      status: 407,
      alertCode: null,
    };
    expect(told({ verdict }).at(-1)![0]).toBe("challenged");
    expect(told({ verdict, request: request("pbx", "elsewhere") }).at(-1)![1]).toContain(`of realm ${REALM}`);
    expect(told({ verdict: { ...verdict, stale: true } }).at(-1)![0]).toBe("challenged.stale");
  });

  it("tells of a host that names nothing", () => {
    expect(told({ domain: undefined, verdict: refused("domain", []) }).map(([code]) => code)).toEqual([
      "received",
      "refused.domain",
    ]);
  });

  it("R-SEC-11: holds no password, sealed or not, and no digest", () => {
    for (const check of ["credentials", "limits", "access-control-list"] as const) {
      const text = JSON.stringify(admissionNotes(findings({ request: request("pbx"), verdict: refused(check) })));
      expect(text).not.toContain("sealed-text");
      expect(text).not.toContain(RESPONSE);
    }
  });
});
