/** Callers that are let in by their TLS certificate in place of an address of a list (SIP-TP-13). */
import { generate } from "selfsigned";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeCertificates } from "../../src/cli/demo/certificates.ts";
import { parseNameAddr } from "../../src/sip/name-addr.ts";
import type { TlsIdentity } from "../../src/sip/sip-stack.ts";
import { parseUri } from "../../src/sip/uri.ts";
import { type CallRig, GATEWAY, sdp, startCallRig } from "../support/call-rig.ts";
import { BASE } from "../support/gateway.ts";
import { ownAddress, reached, startStack } from "../support/sip-wire.ts";

/** In no list. */
const PBX = ownAddress(3);
const TRUNK = `office.pstn.${BASE}`;
let rig: CallRig;

beforeAll(async () => {
  rig = await startCallRig({
    tls: ", clientCertificates: request",
    objects: `
  - { name: certified, domain: certified, certificateNames: [pbx.example.com], callerIdPolicy: any }`,
  });
});
afterAll(() => rig.stop());

/** Signed by the authority that the gateway trusts. */
async function certificateOf(name: string): Promise<TlsIdentity> {
  const { certPem, keyPem } = rig.gateway.certificates;
  const made = await generate([{ name: "commonName", value: name }], {
    keySize: 2048,
    algorithm: "sha256",
    extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: name }] }],
    ca: { cert: certPem, key: keyPem },
  });
  return { certPem: made.cert, keyPem: made.private };
}

/** Calls a number over TLS; the final status. */
async function called(domain: string, identity: TlsIdentity): Promise<number> {
  const { stack, stop } = await startStack({
    listen: [{ transport: "tls", address: PBX, port: 0 }],
    tls: { ...identity, caPem: rig.gateway.certificates.caPem },
  });
  const invite = stack.invite({
    uri: parseUri(`sip:+15550200300@${domain}.pstn.${BASE}`),
    nextHop: parseUri(`sip:${GATEWAY}:5061;transport=tls`),
    from: parseNameAddr("<sip:+15550100200@pbx.example.com>"),
    to: parseNameAddr(`<sip:+15550200300@${TRUNK}>`),
    body: { contentType: "application/sdp", content: sdp(PBX) },
  });
  let status = 0;
  invite.onRejected = (response) => {
    status = response.status;
  };
  invite.onFailed = (error) => {
    throw error;
  };
  await reached(() => status !== 0 || rig.carrier.hasRequest("INVITE"), "the INVITE at the carrier, or a refusal");
  if (status === 0) {
    await rig.carrier.answer(await rig.carrier.request("INVITE"), 486, { sdp: "" });
    await reached(() => status !== 0, "the final answer");
  }
  await stop();
  return status;
}

describe("SIP-TP-13 certificates of callers", () => {
  it("the right name lets a caller in that is in no list, and the story says so", async () => {
    expect(await called("certified", await certificateOf("pbx.example.com"))).toBe(486);
    const story = [...rig.gateway.gateway.calls.ended()].flatMap(({ decisions }) =>
      decisions.entries.map(({ text }) => text),
    );
    expect(story).toContain(
      `${PBX} showed the certificate of pbx.example.com, which stands in for an address of a list`,
    );
  });

  it("another name, or one that nobody trusts, is refused", async () => {
    expect(await called("certified", await certificateOf("other.example.com"))).toBe(403);
    expect(await called("certified", await makeCertificates(["pbx.example.com"]))).toBe(403);
  });

  it("a trunk that knows no names takes no certificate for an address", async () => {
    expect(await called("office", await certificateOf("pbx.example.com"))).toBe(403);
  });
});
