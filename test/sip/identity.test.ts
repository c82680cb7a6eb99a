import { describe, expect, it } from "vitest";
import { assertedIdentities, preferredIdentity, readCallerIdentity, remoteParty } from "../../src/sip/identity.ts";
import type { SipRequest } from "../../src/sip/message.ts";
import { parseMessage } from "../../src/sip/parser.ts";
import { formatUri } from "../../src/sip/uri.ts";
import { headerList as headers } from "../support/sip-headers.ts";
import { invite } from "../support/sip-vectors.ts";

describe("R-CID-1, R-CID-2 who is calling", () => {
  const read = (from: string, ...lines: string[]) =>
    readCallerIdentity(parseMessage(invite({ From: `From: ${from};tag=1` }, lines)) as SipRequest);

  it("user parts of From, Remote-Party-ID and P-Asserted-Identity, and Privacy as sent", () => {
    expect(
      read(
        '"Anonymous" <sip:anonymous@anonymous.invalid>',
        "Remote-Party-ID: <sip:+14155550001@x>;party=calling;privacy=off",
        "p-asserted-identity: <sip:+14155550002@x>, <tel:+14155550003>",
        "Privacy: id;critical",
        "Privacy: user",
      ),
    ).toEqual({
      fromUser: "anonymous",
      remotePartyIdUser: "+14155550001",
      assertedUser: "+14155550002",
      privacy: ["id;critical", "user"],
    });
  });

  it("nothing where there is nothing", () => {
    expect(read("<sip:192.0.2.1>")).toEqual({
      fromUser: undefined,
      remotePartyIdUser: undefined,
      assertedUser: undefined,
      privacy: [],
    });
  });

  it("what cannot be read is as if it were not there (SIP-MSG-13)", () => {
    expect(
      read("<sip:a@b>", "Remote-Party-ID: <sip:", 'P-Asserted-Identity: "x', "P-Asserted-Identity: tel:+1555"),
    ).toMatchObject({
      remotePartyIdUser: undefined,
      assertedUser: "+1555",
    });
  });

  it("SIP-ID-3: the first sip and the first tel identity, no more", () => {
    const list = headers(
      ["P-Asserted-Identity", "<sip:1@a>, <sip:2@a>"],
      ["P-Asserted-Identity", "<urn:x>, <tel:+3>, <tel:+4>, <sips:5@a>"],
    );
    expect(assertedIdentities(list).map((one) => formatUri(one.uri))).toEqual(["sip:1@a", "tel:+3"]);
  });

  it("Remote-Party-ID of the called party is not the caller", () => {
    const list = headers(["Remote-Party-ID", "<sip:1@a>;party=called, <sip:2@a>;party=CALLING"]);
    expect(remoteParty(list)?.uri.user).toBe("2");
  });

  it("P-Preferred-Identity (SIP-ID-2)", () => {
    expect(preferredIdentity(headers(["P-Preferred-Identity", "<sip:7@a>"]))?.uri.user).toBe("7");
    expect(preferredIdentity(headers(["P-Preferred-Identity", "<"]))).toBeUndefined();
    expect(preferredIdentity(headers())).toBeUndefined();
  });
});
