/** Certificates of clients (SIP-TP-13), targets that are not verified (R-SEC-14), names (SIP-TP-12), reuse (SIP-TP-8, RFC 5923). */
import { connect } from "node:tls";
import { generate } from "selfsigned";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { GatewayError } from "../../../src/base/errors.ts";
import { type DemoCertificates, makeCertificates } from "../../../src/cli/demo/certificates.ts";
import type { Flow, SipRequest } from "../../../src/sip/message.ts";
import { parseNameAddr } from "../../../src/sip/name-addr.ts";
import type { SipStackOptions, TlsOptions, UnverifiedTls } from "../../../src/sip/sip-stack.ts";
import { checkPeerName, peerNames } from "../../../src/sip/transport/tls-options.ts";
import { parseUri } from "../../../src/sip/uri.ts";
import { reached, startStack, type TestStack } from "../../support/sip-wire.ts";

let server: DemoCertificates;
let client: DemoCertificates;
let stranger: DemoCertificates;
beforeAll(async () => {
  server = await makeCertificates(["sip.example.net", "*.pstn.example.net"]);
  client = await makeCertificates(["client.example.net"]);
  stranger = await makeCertificates(["client.example.net"]);
});

const stops: TestStack[] = [];
afterEach(async () => {
  for (const test of stops.splice(0)) await test.stop();
});

interface Serving extends TestStack {
  readonly seen: { readonly request: SipRequest; readonly flow: Flow }[];
}

async function started(tls: TlsOptions, options: Partial<SipStackOptions> = {}): Promise<Serving> {
  const test = await startStack({
    listen: [{ transport: "tls", address: "127.0.0.1", port: 0 }],
    resolver: { srv: async () => [], addresses: async () => ["127.0.0.1"] },
    tls,
    ...options,
  });
  const seen: Serving["seen"] = [];
  test.stack.onInvite = (invite) => {
    seen.push({ request: invite.request, flow: invite.flow });
    invite.reject(486);
  };
  stops.push(test);
  return { ...test, seen };
}

async function called(
  from: TestStack,
  port: number,
  options: { host?: string; tlsVerify?: boolean } = {},
): Promise<string> {
  const { host = "sip.example.net", tlsVerify = true } = options;
  const invite = from.stack.invite({
    uri: parseUri(`sips:callee@${host}:${port}`),
    from: parseNameAddr("<sip:a@example.net>"),
    to: parseNameAddr("<sip:b@example.net>"),
    tlsVerify,
  });
  let outcome = "";
  invite.onRejected = ({ status }) => {
    outcome = String(status);
  };
  invite.onFailed = (error: GatewayError) => {
    outcome = error.code;
  };
  await reached(() => outcome !== "", "the outcome");
  return outcome;
}

describe("SIP-TP-13 certificates of clients", () => {
  it.each([
    ["require", "good", "486", ["client.example.net"]],
    ["require", "stranger", "TRANSPORT", undefined],
    ["request", "good", "486", ["client.example.net"]],
    ["request", "stranger", "486", undefined],
    ["off", "good", "486", undefined],
  ] as const)("%s, a %s one: %s", async (clientCertificates, which, wanted, names) => {
    const to = await started({ ...server, caPem: client.caPem, clientCertificates });
    const from = await started({ ...(which === "good" ? client : stranger), caPem: server.caPem });
    expect(await called(from, to.port("tls"))).toMatch(new RegExp(`^${wanted}`));
    expect(to.seen[0]?.flow.tlsNames).toEqual(names);
  });

  it("require holds for the certificates that SNI chooses as well", async () => {
    const to = await started({
      ...server,
      caPem: client.caPem,
      clientCertificates: "require",
      perDomain: new Map([["sip.example.net", server]]),
    });
    const from = await started({ ...stranger, caPem: server.caPem });
    expect(await called(from, to.port("tls"))).toMatch(/^TRANSPORT/);
    const good = await started({ ...client, caPem: server.caPem });
    expect(await called(good, to.port("tls"))).toBe("486");
  });

  it("require closes a connection without any certificate", async () => {
    const to = await started({ ...server, caPem: client.caPem, clientCertificates: "require" });
    const socket = connect({
      host: "127.0.0.1",
      port: to.port("tls"),
      ca: server.caPem,
      servername: "sip.example.net",
    });
    let isClosed = false;
    socket.on("error", () => undefined);
    socket.on("close", () => {
      isClosed = true;
    });
    await reached(() => isClosed, "the end of the connection");
    expect(to.stack.connectionCount).toBe(0);
  });

  it("without an authority to check them by nothing is listened on", async () => {
    await expect(started({ ...server, caPem: "", clientCertificates: "request" })).rejects.toThrow("caFile");
  });
});

describe("R-SEC-14 targets that are not verified", () => {
  it("are told, with what a check would have said, once for each connection", async () => {
    const to = await started(server);
    const from = await started({ ...client });
    const told: UnverifiedTls[] = [];
    from.stack.onUnverifiedTls = (peer) => told.push(peer);
    for (let round = 0; round < 2; round++)
      expect(await called(from, to.port("tls"), { tlsVerify: false, host: "evil.example.net" })).toBe("486");
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({
      remote: `127.0.0.1:${to.port("tls")}`,
      tlsName: "evil.example.net",
      fault: "its certificate is signed by itself and not among the trusted ones",
    });
    const trusting = await started({ ...client, caPem: server.caPem });
    trusting.stack.onUnverifiedTls = (peer) => told.push(peer);
    await called(trusting, to.port("tls"), { tlsVerify: false, host: "evil.example.net" });
    await called(trusting, to.port("tls"), { tlsVerify: false });
    expect(told.slice(1).map(({ fault }) => fault)).toEqual(["its certificate is not for evil.example.net", undefined]);
  });

  it("without a listener there is a warning in the log", async () => {
    const to = await started(server);
    const from = await started({ ...client });
    await called(from, to.port("tls"), { tlsVerify: false });
    expect(from.log.lines.filter((line) => line.startsWith("warn") && line.includes("sip.example.net"))).toHaveLength(
      1,
    );
  });
});

describe("RFC 5922 7 names", () => {
  it("SIP-TP-12 wildcards can be refused", async () => {
    const to = await started(server);
    const strict = await started({ ...client, caPem: server.caPem, wildcards: false });
    expect(await called(strict, to.port("tls"))).toBe("486");
    expect(await called(strict, to.port("tls"), { host: "a.pstn.example.net" })).toBe("TRANSPORT_TLS");
  });

  it("7.1 a sip URI among the names counts as its domain, other schemes and users do not", async () => {
    const certificate = (subjectaltname: string) => ({ subject: {}, subjectaltname }) as never;
    expect(checkPeerName("example.net", certificate("URI:sip:example.net"), true)).toBeUndefined();
    expect(checkPeerName("EXAMPLE.net", certificate("DNS:other.test, URI:sip:Example.NET"), true)).toBeUndefined();
    for (const name of ["URI:https://example.net", "URI:sip:user@example.net", 'URI:"sip:a, URI:sip:example.net"'])
      expect(checkPeerName("example.net", certificate(name), true)).toBeInstanceOf(Error);
    expect(peerNames(certificate("DNS:A.test, IP Address:127.0.0.1, URI:sip:b.test"))).toEqual(["a.test", "b.test"]);
    const { cert, private: keyPem } = await generate([{ name: "commonName", value: "x" }], {
      keySize: 2048,
      extensions: [
        { name: "basicConstraints", cA: true },
        { name: "subjectAltName", altNames: [{ type: 6, value: "sip:sip.example.net" }] },
      ],
    } as never);
    const to = await started({ certPem: cert, keyPem });
    const from = await started({ ...client, caPem: cert });
    expect(await called(from, to.port("tls"))).toBe("486");
    expect(await called(from, to.port("tls"), { host: "other.example.net" })).toBe("TRANSPORT_TLS");
  });
});

describe("RFC 5923 connections that peers opened", () => {
  const listen = (announceAddress: string): SipStackOptions["listen"] => [
    { transport: "tls", address: "127.0.0.1", port: 0, announceAddress },
  ];

  it("SIP-TP-8 carry our requests to the verified name that asked for it with alias, and to no other", async () => {
    const to = await started(
      { ...server, caPem: client.caPem, clientCertificates: "request" },
      { listen: listen("sip.example.net") },
    );
    const from = await started(
      { ...client, caPem: server.caPem, clientCertificates: "request" },
      { listen: listen("client.example.net") },
    );
    expect(await called(from, to.port("tls"))).toBe("486");
    expect(to.seen[0]?.request.vias[0]?.params.has("alias")).toBe(true);
    expect(await called(to, from.port("tls"), { host: "client.example.net" })).toBe("486");
    expect([to.stack.connectionCount, from.stack.connectionCount]).toEqual([1, 1]);
    // Another name needs a connection of its own, which its certificate has to be good for.
    expect(await called(to, from.port("tls"), { host: "other.example.net" })).toBe("TRANSPORT_TLS");
  });

  it("a certificate that was not verified leads nowhere, whatever its Via says", async () => {
    const to = await started({ ...server, caPem: client.caPem, clientCertificates: "request" });
    const from = await started(
      { ...stranger, caPem: server.caPem, clientCertificates: "request" },
      { listen: listen("client.example.net") },
    );
    expect(await called(from, to.port("tls"))).toBe("486");
    expect(await called(to, from.port("tls"), { host: "client.example.net" })).toBe("TRANSPORT_TLS");
  });
});
