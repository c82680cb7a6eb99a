/** TLS of the signalling (R-SEC-2, R-SEC-13, R-SEC-14, SIP-TP-12, hardening R17), between two stacks over real sockets. */

import { connect, type SecureVersion, type TLSSocket } from "node:tls";
import { generate } from "selfsigned";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { GatewayError } from "../../../src/base/errors.ts";
import { type DemoCertificates, makeCertificates } from "../../../src/cli/demo/certificates.ts";
import { parseNameAddr } from "../../../src/sip/name-addr.ts";
import type { TlsOptions } from "../../../src/sip/sip-stack.ts";
import { parseUri } from "../../../src/sip/uri.ts";
import { reached, startStack, type TestStack } from "../../support/sip-wire.ts";

let certificates: DemoCertificates;
let other: DemoCertificates;
let expired: DemoCertificates;
beforeAll(async () => {
  certificates = await makeCertificates(["sip.example.net", "*.pstn.example.net"]);
  other = await makeCertificates(["other.example.net"]);
  const made = await generate([{ name: "commonName", value: "sip.example.net" }], {
    keySize: 2048,
    notBeforeDate: new Date("2020-01-01"),
    notAfterDate: new Date("2021-01-01"),
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "subjectAltName", altNames: [{ type: 2, value: "sip.example.net" }] },
    ],
  });
  expired = { certPem: made.cert, keyPem: made.private, caPem: made.cert };
});

const stops: TestStack[] = [];
afterEach(async () => {
  for (const test of stops.splice(0)) await test.stop();
});

async function serving(tls: TlsOptions): Promise<TestStack> {
  const test = await startStack({ listen: [{ transport: "tls", address: "127.0.0.1", port: 0 }], tls });
  test.stack.onInvite = (invite) => invite.reject(486);
  stops.push(test);
  return test;
}

/** What becomes of a call to a name that leads to the server. */
async function called(
  server: TestStack,
  caPem: string | undefined,
  options: { host?: string; tlsVerify?: boolean } = {},
): Promise<string> {
  const client = await startStack({
    resolver: { srv: async () => [], addresses: async () => ["127.0.0.1"] },
    tls: { certPem: other.certPem, keyPem: other.keyPem, ...(caPem === undefined ? {} : { caPem }) },
  });
  stops.push(client);
  const { host = "sip.example.net", tlsVerify = true } = options;
  const invite = client.stack.invite({
    uri: parseUri(`sips:callee@${host}:${server.port("tls")}`),
    from: parseNameAddr("<sip:a@example.net>"),
    to: parseNameAddr("<sip:b@example.net>"),
    tlsVerify,
  });
  let outcome = "";
  invite.onRejected = (response) => {
    outcome = String(response.status);
  };
  invite.onFailed = (error: GatewayError) => {
    outcome = `${error.code} ${error.message.replace(/^tls \S+ /, "")}`;
  };
  await reached(() => outcome !== "", "the outcome");
  return outcome;
}

describe("R-SEC-14 as client", () => {
  it("a certificate for the name of the URI from an authority that is trusted is taken", async () => {
    expect(await called(await serving(certificates), certificates.caPem)).toBe("486");
  });

  it("SIP-TP-12 a wildcard covers one label", async () => {
    const server = await serving(certificates);
    expect(await called(server, certificates.caPem, { host: "a.pstn.example.net" })).toBe("486");
    expect(await called(server, certificates.caPem, { host: "a.b.pstn.example.net" })).toMatch(/^TRANSPORT_TLS/);
  });

  it("another name is refused in plain words", async () => {
    expect(await called(await serving(certificates), certificates.caPem, { host: "evil.example.net" })).toBe(
      "TRANSPORT_TLS its certificate is not for evil.example.net",
    );
  });

  it("an unknown authority is refused in plain words", async () => {
    expect(await called(await serving(certificates), undefined)).toBe(
      "TRANSPORT_TLS its certificate is signed by itself and not among the trusted ones",
    );
  });

  it("an expired certificate is refused in plain words", async () => {
    expect(await called(await serving(expired), expired.caPem)).toBe("TRANSPORT_TLS its certificate has expired");
  });

  it("all of them are taken when the check is switched off", async () => {
    expect(await called(await serving(expired), undefined, { host: "evil.example.net", tlsVerify: false })).toBe("486");
  });

  it("a numeric host must be named by the certificate", async () => {
    expect(await called(await serving(certificates), certificates.caPem, { host: "127.0.0.1" })).toBe("486");
    const nameless = await makeCertificates(["sip.example.net"], "192.0.2.1");
    expect(await called(await serving(nameless), nameless.caPem, { host: "127.0.0.1" })).toBe(
      "TRANSPORT_TLS its certificate is not for 127.0.0.1",
    );
  });

  it("hardening R17 a connection for one name is not used for another", async () => {
    const server = await serving(certificates);
    const client = await startStack({
      resolver: { srv: async () => [], addresses: async () => ["127.0.0.1"] },
      tls: { ...other, caPem: certificates.caPem },
    });
    stops.push(client);
    const outcomes: string[] = [];
    for (const host of ["sip.example.net", "evil.example.net", "sip.example.net"]) {
      const before = outcomes.length;
      const invite = client.stack.invite({
        uri: parseUri(`sips:callee@${host}:${server.port("tls")}`),
        from: parseNameAddr("<sip:a@example.net>"),
        to: parseNameAddr("<sip:b@example.net>"),
      });
      invite.onRejected = ({ status }) => outcomes.push(String(status));
      invite.onFailed = ({ code }) => outcomes.push(code);
      await reached(() => outcomes.length > before, "the outcome");
    }
    expect(outcomes).toEqual(["486", "TRANSPORT_TLS", "486"]);
    expect(client.stack.connectionCount).toBe(1);
  });
});

describe("R-SEC-2, R-SEC-13 as server", () => {
  function handshake(port: number, version: SecureVersion, servername?: string): Promise<TLSSocket> {
    return new Promise((done, fail) => {
      const socket: TLSSocket = connect(
        {
          host: "127.0.0.1",
          port,
          minVersion: version,
          maxVersion: version,
          rejectUnauthorized: false,
          ...(servername === undefined ? {} : { servername }),
          ...(version < "TLSv1.2" ? { ciphers: "DEFAULT@SECLEVEL=0" } : {}),
        },
        () => done(socket),
      );
      socket.on("error", fail);
    });
  }

  it.each(["TLSv1.2", "TLSv1.3"] as const)("R-SEC-2 %s is spoken", async (version) => {
    const server = await serving(certificates);
    const socket = await handshake(server.port("tls"), version);
    expect(socket.getProtocol()).toBe(version);
    socket.destroy();
  });

  it.each(["TLSv1", "TLSv1.1"] as const)("R-SEC-2 %s is refused, and spoken by setting", async (version) => {
    const strict = await serving(certificates);
    await expect(handshake(strict.port("tls"), version)).rejects.toThrow();
    const lenient = await serving({ ...certificates, allowDeprecated: true });
    const socket = await handshake(lenient.port("tls"), version);
    expect(socket.getProtocol()).toBe(version);
    socket.destroy();
  });

  it("R-SEC-13 SNI chooses the certificate: its own, a wildcard's, or the default", async () => {
    const server = await serving({
      ...certificates,
      perDomain: new Map([
        ["other.example.net", other],
        ["*.wild.example.net", expired],
      ]),
    });
    const fingerprints = new Map<string | undefined, string>();
    for (const name of [
      "other.example.net",
      "OTHER.example.net",
      "a.wild.example.net",
      "a.b.wild.example.net",
      undefined,
    ]) {
      const socket = await handshake(server.port("tls"), "TLSv1.3", name);
      fingerprints.set(name, socket.getPeerCertificate().subject.CN as string);
      socket.destroy();
    }
    expect([...fingerprints.values()]).toEqual([
      "other.example.net",
      "other.example.net",
      "sip.example.net",
      "sip.example.net",
      "sip.example.net",
    ]);
    const wild = await handshake(server.port("tls"), "TLSv1.3", "a.wild.example.net");
    expect(wild.getPeerCertificate().valid_to).toContain("2021");
    wild.destroy();
  });

  it("octets that are no TLS close the connection and harm nobody", async () => {
    const server = await serving(certificates);
    const { StreamPeer } = await import("../../support/sip-wire.ts");
    const peer = await StreamPeer.open(server.port("tls"));
    await peer.send(Buffer.from("OPTIONS sip:a SIP/2.0\r\n\r\n"));
    await reached(() => peer.closed, "the end of the connection");
    expect(await called(server, certificates.caPem)).toBe("486");
  });
});
