import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../src/base/errors.ts";
import { checkReport, formatCheckReport } from "../../src/cli/check-report.ts";
import { loadConfig, parseConfig } from "../../src/cli/config.ts";
import { SETTING_VARIABLES } from "../../src/cli/config-environment.ts";

const EXAMPLE = resolve(import.meta.dirname, "../../examples/tandem.yaml");

function errors(text: string, environment: Record<string, string> = {}): string[] {
  try {
    parseConfig(text, "t.yaml", environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
  throw new Error("nothing was refused");
}

const settingsOf = (text: string, environment: Record<string, string> = {}) =>
  parseConfig(text, "t.yaml", environment).settings;

/** An account and what follows. */
const withAccount = (text: string) => `accounts: [{ name: main, authToken: 0123456789abcdef }]\n${text}`;
const ACL = "ipAccessControlLists: [{ name: lan, addresses: [10.0.0.0/8] }]\n";

describe("examples/tandem.yaml", () => {
  it("loads without an error", () => {
    const { settings, objects, warnings } = loadConfig(EXAMPLE, {});
    expect(settings).toMatchObject({
      domains: { base: "voice.example.net" },
      store: { path: null },
      termination: { shortCodes: ["112"] },
    });
    expect(objects.trunks[0]).toMatchObject({ name: "office", domain: "office", destinationAllowList: ["+1", "+44"] });
    expect(objects.phoneNumbers[0]?.number).toBe("+14158675309");
    expect(warnings).toEqual([expect.stringContaining("R-AUTH-14")]);
  });

  it("names every setting, with its default where it does not say why not", () => {
    const text = readFileSync(EXAMPLE, "utf8");
    const given = settingsOf(text);
    const defaults = settingsOf("");
    for (const { path } of SETTING_VARIABLES.values()) {
      if (path.at(-1) === "operatorKey") continue;
      expect(text).toMatch(new RegExp(`^ *${String(path.at(-1))}:`, "m"));
    }
    const meant = {
      domains: 0,
      termination: 0,
      edges: 0,
      sip: { announce: 0 },
      webhooks: { allowPrivateAddresses: 0 },
    };
    expect({
      ...given,
      ...meant,
      sip: { ...given.sip, ...meant.sip },
      webhooks: { ...given.webhooks, ...meant.webhooks },
    }).toEqual({
      ...defaults,
      ...meant,
      sip: { ...defaults.sip, ...meant.sip },
      webhooks: { ...defaults.webhooks, ...meant.webhooks },
    });
  });
});

describe("defaults", () => {
  it("are those of the documents", () => {
    expect(settingsOf("")).toMatchObject({
      sip: {
        udpPort: 5060,
        tcpPort: 5060,
        tlsPort: 5061,
        unknownDomain: "drop",
        t1Ms: 500,
        noAnswerMs: 4000,
        ringLimitMs: 60_000,
        silentTotalMs: 40_000,
      },
      tls: { allowDeprecated: false },
      srtp: { optional: false },
      http: { port: 8080 },
      media: { portMin: 10_000, portMax: 60_000, workers: "auto", symmetricDefault: false, rtpTimeoutSeconds: 60 },
      streams: {
        allowInsecureWs: false,
        allowQuery: false,
        maxSendBufferMs: 2000,
        playbackBufferSeconds: 600,
        maxMessageBytes: 16_777_216,
        pendingMarksMax: 10_000,
        fillSilence: true,
        tlsVerify: true,
      },
      auth: { realm: null, nonceSeconds: 60, sha256: false, failuresPerMinuteMax: 10, blockSeconds: 60 },
      redirect: { reach: "private" },
      compliance: { noAudioAtRest: false },
      store: { path: null },
    });
  });

  it("hold for sections and keys with nothing behind them, and for comments alone", () => {
    expect(settingsOf("sip:\nmedia:\n  workers:\ntrunks:\n")).toEqual(settingsOf("# nothing\n"));
  });
});

describe("errors name file, line, column, key, what was found and what was expected", () => {
  it.each([
    ["sip:\n  udpPort: abc", 't.yaml:2:12: sip.udpPort: found "abc", expected a port from 0 to 65535, or "off"'],
    ["sip:\n  udpPort: 65536", 't.yaml:2:12: sip.udpPort: found "65536", expected a port from 0 to 65535, or "off"'],
    ["sip:\n  udpport: 1", 't.yaml:2:3: sip.udpport: unknown key; did you mean "udpPort"?'],
    ["sipp:\n  udpPort: 1", 't.yaml:1:1: sipp: unknown key; did you mean "sip"?'],
    ["flurb: 1", "t.yaml:1:1: flurb: unknown key"],
    ["__proto__: 1", "t.yaml:1:1: __proto__: unknown key"],
    ["sip: { __proto__: 1 }", "t.yaml:1:8: sip.__proto__: unknown key"],
    ["sip: 5", 't.yaml:1:6: sip: found "5", expected a map of settings'],
    ["- a", "t.yaml:1:1: found a list, expected a map of settings"],
    ["media:\n  workers: [1]", 't.yaml:2:12: media.workers: found a list, expected "auto" or a number from 1 to 256'],
    ["tls:\n  allowDeprecated: yes", 't.yaml:2:20: tls.allowDeprecated: found "yes", expected true or false'],
    ["log: { level: loud }", 't.yaml:1:15: log.level: found "loud", expected debug, info, warn, error or silent'],
    [
      "webhooks:\n  allowPrivateAddresses:\n    - 10.0.0.0/8\n    - here",
      't.yaml:4:7: webhooks.allowPrivateAddresses[1]: found "here", expected an IP address or a range such as 192.0.2.0/24, or "all"',
    ],
    [
      withAccount("trunks:\n  - domain: a"),
      "t.yaml:3:5: trunks[0].name: is missing, expected text of at most 64 characters",
    ],
    [
      withAccount("phoneNumbers:\n  - number: 4158675309"),
      't.yaml:3:13: phoneNumbers[0].number: found "4158675309", expected a number in E.164 form such as +14155551212',
    ],
    [
      withAccount("trunks: [{ name: a, domain: a_b }]"),
      't.yaml:2:29: trunks[0].domain: found "a_b", expected a name of letters, digits and -, with dots only for sub-domains',
    ],
    [
      "tls: { certFile: missing.pem, keyFile: missing.key }",
      `t.yaml:1:18: tls.certFile: there is no file ${resolve("missing.pem")}`,
    ],
    [
      "media: { portMin: 10000, portMax: 10001 }",
      "t.yaml:1:35: media.portMax: expected at least 3 above portMin: a call needs two pairs of ports",
    ],
    [
      "sip: { udpPort: off, tcpPort: off }",
      "t.yaml:1:6: sip: no transport is left: give udpPort, tcpPort, or tlsPort with tls.certFile",
    ],
    ["edges: [{ name: x }, { name: X }]", "t.yaml:1:30: edges[1].name: the name is used twice"],
  ])("%j", (text, expected) => {
    expect(errors(text)[0]).toBe(expected);
  });

  it("SIP-TP-13 wants an authority for certificates of clients, and SIP-DNS-7 name servers that are addresses", () => {
    expect(errors("tls: { clientCertificates: require }")[0]).toContain(
      "tls.clientCertificates: certificates of clients are checked by the authorities of tls.caFile: give it",
    );
    expect(errors("sip: { dnsServers: [192.0.2.53, dns.example.net] }")[0]).toContain(
      'sip.dnsServers[1]: found "dns.example.net", expected an IP address',
    );
  });

  it("tells everything that is wrong at once", () => {
    expect(errors("sip: { udpPort: x, tcpPort: y }\nhtpp: 1").sort()).toEqual([
      expect.stringMatching(/^t\.yaml:1:17: sip\.udpPort/),
      expect.stringMatching(/^t\.yaml:1:29: sip\.tcpPort/),
      expect.stringMatching(/^t\.yaml:2:1: htpp: unknown key; did you mean "http"/),
    ]);
  });

  it.each([
    ["a: [1", /^t\.yaml:1:\d+: /],
    ["sip: {}\nsip: {}", /^t\.yaml:2:1: Map keys must be unique/],
    ["a: *nobody", /^t\.yaml/],
    ["\tsip: 1", /^t\.yaml:1/],
  ])("YAML that cannot be read: %j", (text, expected) => {
    expect(errors(text)[0]).toMatch(expected);
  });

  it("names a file that is not there", () => {
    expect(() => loadConfig("/nowhere/tandem.yaml", {})).toThrow(/^\/nowhere\/tandem\.yaml: cannot be read/);
  });

  it("never shows a secret", () => {
    const secret = "short1A";
    const text = withAccount(`credentialLists: [{ name: a, credentials: [{ username: u, password: ${secret} }] }]`);
    expect(errors(text)[0]).toBe(
      "t.yaml:2:69: credentialLists[0].credentials[0].password: a password has 12 to 128 characters, found 7 (R-AUTH-8)",
    );
    const token = errors("accounts: [{ name: a, authToken: abc }]")[0];
    expect(token).toBe(
      "t.yaml:1:34: accounts[0].authToken: found a secret that is not shown, expected a secret of 16 to 128 characters",
    );
  });

  it("throws nothing but ConfigError for any text", () => {
    const line = fc.oneof(
      fc.constantFrom(
        "sip:",
        "  udpPort: 1",
        "trunks:",
        "  - name: a",
        "    domain: b",
        "- x",
        "a: &a [*a]",
        "? {a: b}",
        "%YAML 1.2",
        "---",
        "!!int 5",
        "  <<: *x",
      ),
      fc.string({ unit: "binary", maxLength: 20 }),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        try {
          parseConfig(lines.join("\n"), "t.yaml", {});
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("objects among themselves", () => {
  const target = (index: number) => `{ name: t${index}, url: "sip:h${index}.example" }`;
  const targets = (count: number) => Array.from({ length: count }, (_, index) => target(index)).join(", ");

  it.each([
    [
      "R-ORIG-1 eleven URIs",
      `trunks:\n  - name: a\n    originationUrls: [${targets(11)}]`,
      "trunks[0].originationUrls[10]: found 11 targets, expected at most 10 (R-ORIG-1)",
    ],
    [
      "R-BYOC-10 eleven targets",
      `connectionPolicies: [{ name: a, targets: [${targets(11)}] }]`,
      "connectionPolicies[0].targets[10]: found 11 targets, expected at most 10 (R-BYOC-10)",
    ],
    [
      "weight 0 on a policy",
      'connectionPolicies: [{ name: a, targets: [{ url: "sip:x.example", weight: 0 }] }]',
      "connectionPolicies[0].targets[0].weight: the weight is 1 to 65535 (R-ORIG-13)",
    ],
    [
      "R-ORIG-11 unknown edge",
      'trunks: [{ name: a, originationUrls: [{ url: "sip:x.example;edge=atlantis" }] }]',
      'trunks[0].originationUrls[0].url: the edge "atlantis" is not known (code 21252)',
    ],
    [
      "R-ORIG-2 bad host",
      'trunks: [{ name: a, originationUrls: [{ url: "sip:x..y" }] }]',
      "trunks[0].originationUrls[0].url: the host is no IP address or domain name, or the port is none (code 13249)",
    ],
    [
      "R-AUTH-1 no authentication",
      "trunks: [{ name: a, domain: a }]",
      'trunks[0]: domain "a" needs an IP access control list or a credential list (R-AUTH-1)',
    ],
    [
      "unknown list",
      `${ACL}trunks: [{ name: a, domain: a, ipAccessControlLists: [lann] }]`,
      'trunks[0].ipAccessControlLists[0]: there is no IP access control list "lann" in this account; did you mean "lan"?',
    ],
    [
      "unknown trunk",
      "phoneNumbers: [{ number: +14155551212, trunk: x }]",
      'phoneNumbers[0].trunk: there is no trunk "x" in this account',
    ],
    [
      "unknown policy",
      "byocTrunks: [{ name: a, connectionPolicy: x }]",
      'byocTrunks[0].connectionPolicy: there is no connection policy "x" in this account',
    ],
    [
      "unknown account",
      "phoneNumbers: [{ number: +14155551212, account: man }]",
      'phoneNumbers[0].account: there is no account "man"; did you mean "main"?',
    ],
    [
      "R-TERM-1 same domain",
      `${ACL}trunks: [{ name: a, domain: a, ipAccessControlLists: [lan] }, { name: b, domain: A, ipAccessControlLists: [lan] }]`,
      "trunks[1].domain: the domain is used twice (R-TERM-1)",
    ],
    [
      "R-TERM-3 no parent",
      `${ACL}trunks: [{ name: a, domain: a.b, ipAccessControlLists: [lan] }]`,
      'trunks[0].domain: the parent domain "b" does not exist (R-TERM-3)',
    ],
    ["same name", "trunks: [{ name: a }, { name: a }]", 'trunks[1]: another trunk has the name "a"'],
    [
      "same number",
      "phoneNumbers: [{ number: +14155551212 }, { number: +14155551212 }]",
      "phoneNumbers[1].number: another entry has this number",
    ],
    [
      "R-AUTH-8 password without a digit",
      "credentialLists: [{ name: a, credentials: [{ username: u, password: NoDigitsInHere }] }]",
      "credentialLists[0].credentials[0].password: a password needs a digit (R-AUTH-8)",
    ],
    [
      "R-AUTH-8 long user",
      `credentialLists: [{ name: a, credentials: [{ username: ${"u".repeat(33)}, password: Good-Enough-1 }] }]`,
      `credentialLists[0].credentials[0].username: found "${"u".repeat(33)}", expected text of at most 32 characters`,
    ],
    [
      "same user",
      "credentialLists: [{ name: a, credentials: [{ username: u, password: Good-Enough-1 }, { username: u, password: Good-Enough-2 }] }]",
      "credentialLists[0].credentials[1].username: the list has this user twice",
    ],
    [
      "two carriers",
      "byocTrunks: [{ name: a, defaultCarrier: true }, { name: b, defaultCarrier: true }]",
      "byocTrunks[1].defaultCarrier: another BYOC trunk of the account is the default carrier",
    ],
    [
      "two links",
      'trunks: [{ name: a, carrierLink: { trunk: a, url: "http://x.example" } }]',
      "trunks[0].carrierLink: expected exactly one of byocTrunk, trunk and url (R-GEN-6)",
    ],
    [
      "R-SEC-3 secure without TLS",
      `${ACL}trunks: [{ name: a, domain: a, secure: true, ipAccessControlLists: [lan] }]`,
      "trunks[0].secure: a secure domain needs TLS: give tls.certFile and tls.keyFile (R-SEC-3)",
    ],
    [
      "user without password",
      "byocTrunks: [{ name: a, targetUsername: u }]",
      "byocTrunks[0]: targetUsername and targetPassword belong together",
    ],
  ])("%s", (_name, text, expected) => {
    const all = errors(withAccount(text));
    expect(all[0]).toMatch(/^t\.yaml:\d+:\d+: /);
    expect(all[0]!.replace(/^t\.yaml:\d+:\d+: /, "")).toBe(expected);
  });

  it("asks for an account, and for parents that are there", () => {
    expect(errors("trunks: [{ name: a }]")[0]).toBe(
      "t.yaml:1:10: trunks[0]: needs an account: declare one under accounts",
    );
    const sub = (parent: string) =>
      `accounts: [{ name: a, authToken: 0123456789abcdef }, { name: b, authToken: 0123456789abcdef, parent: ${parent} }]`;
    expect(errors(sub("c"))[0]).toContain('there is no other account "c"');
    expect(errors(sub("b"))[0]).toContain('there is no other account "b"');
    expect(parseConfig(sub("a"), "t.yaml", {}).objects.accounts).toHaveLength(2);
  });

  it("keeps names of accounts apart", () => {
    const text = `accounts: [{ name: a, authToken: 0123456789abcdef }, { name: b, authToken: 0123456789abcdef }]
trunks: [{ name: t, account: a }, { name: t, account: b }]
phoneNumbers: [{ number: +14155551212, account: b, trunk: t }]`;
    expect(parseConfig(text, "t.yaml", {}).objects.trunks).toHaveLength(2);
  });

  it("R-AUTH-14, R-ORIG-9, R-NUM-7, R-SEC-14 warn with the place", () => {
    const text = withAccount(`${ACL}trunks:
  - name: a
    domain: a
    ipAccessControlLists: [lan]
    tlsVerify: false
    originationUrls: [{ url: "sips:x.example" }]
phoneNumbers: [{ number: +14155551212, trunk: a, voiceUrl: "http://x.example" }]`);
    const { warnings } = parseConfig(text, "t.yaml", { TANDEM_SIP_ANNOUNCE: "192.0.2.1" });
    expect(warnings).toEqual([
      expect.stringMatching(
        /^t\.yaml:8:58: trunks\[0\].*R-ORIG-9|^t\.yaml:8:\d+: trunks\[0\]\.originationUrls\[0\]\.url: sips:/,
      ),
      expect.stringMatching(/^t\.yaml:4:5: trunks\[0\]: domain "a" is protected by addresses alone/),
      expect.stringMatching(/^t\.yaml:7:16: trunks\[0\]\.tlsVerify/),
      expect.stringMatching(/^t\.yaml:9:\d+: phoneNumbers\[0\]\.voiceUrl/),
    ]);
  });
});

describe("environment variables", () => {
  it("win over the file, and are named after the path", () => {
    const environment = {
      TANDEM_SIP_UDP_PORT: "6060",
      TANDEM_DOMAINS_BASE: "Env.example",
      TANDEM_TERMINATION_SHORT_CODES: "112, 911",
      TANDEM_MEDIA_SYMMETRIC_DEFAULT: "true",
      TANDEM_STORE: "data/t.db",
      PATH: "/bin",
    };
    const settings = settingsOf("sip: { udpPort: 7070, tcpPort: 7070 }", environment);
    expect(settings.sip).toMatchObject({ udpPort: 6060, tcpPort: 7070 });
    expect(settings).toMatchObject({
      domains: { base: "env.example" },
      termination: { shortCodes: ["112", "911"] },
      store: { path: resolve("data/t.db") },
    });
  });

  it("TANDEM_OPERATOR_KEY is short for the one of auth", () => {
    const key = "07".repeat(32);
    expect(settingsOf("", { TANDEM_OPERATOR_KEY: key }).auth.operatorKey).toBe(key);
    const wrong = errors("", { TANDEM_OPERATOR_KEY: "hunter2" })[0];
    expect(wrong).toBe(
      "environment variable TANDEM_OPERATOR_KEY: auth.operatorKey: expected 32 octets in hex or base64; make one with: openssl rand -base64 32",
    );
  });

  it("are named in errors, and warned about when they name nothing", () => {
    expect(errors("", { TANDEM_SIP_UDP_PORT: "x" })[0]).toBe(
      'environment variable TANDEM_SIP_UDP_PORT: sip.udpPort: found "x", expected a port from 0 to 65535, or "off"',
    );
    const { warnings } = parseConfig("sip: { announce: 192.0.2.1 }", "t.yaml", {
      TANDEM_SIP_UPD_PORT: "1",
      TANDEM_CONFIG: "x",
    });
    expect(warnings).toEqual([
      "environment variable TANDEM_SIP_UPD_PORT names no setting; did you mean TANDEM_SIP_UDP_PORT?",
    ]);
  });

  it("stand for values that are a name in braces after a dollar", () => {
    const reference = "$" + "{TOKEN}";
    const text = `accounts: [{ name: main, authToken: '${reference}' }]`;
    expect(parseConfig(text, "t.yaml", { TOKEN: "0123456789abcdef" }).objects.accounts[0]?.authToken).toBe(
      "0123456789abcdef",
    );
    expect(errors(text)[0]).toBe(
      `t.yaml:1:37: accounts[0].authToken: found ${reference}, but there is no environment variable of that name`,
    );
  });

  it("reach every scalar and list of scalars", () => {
    expect(SETTING_VARIABLES.size).toBeGreaterThan(60);
    expect([...SETTING_VARIABLES.keys()]).toEqual(
      expect.arrayContaining([
        "TANDEM_LOG_LEVEL",
        "TANDEM_TLS_CERT_FILE",
        "TANDEM_WEBHOOKS_ALLOW_PRIVATE_ADDRESSES",
        "TANDEM_STREAMS_ALLOW_INSECURE_WS",
      ]),
    );
  });
});

describe("tandem check", () => {
  it("shows a configuration that loads again, with secrets masked", () => {
    const config = loadConfig(EXAMPLE, { TANDEM_OPERATOR_KEY: "07".repeat(32) });
    const text = formatCheckReport(checkReport(config, 4));
    for (const secret of ["Change-Me", "0123456789abcdef", "0707"]) expect(text).not.toContain(secret);
    const again = text.replaceAll('"********"', "Aa1-Aa1-Aa1-Aa1-Aa1").replace(/operatorKey: .*/, "operatorKey: null");
    const loaded = parseConfig(again, EXAMPLE, {});
    expect({ ...loaded.settings, auth: 0 }).toEqual({ ...config.settings, auth: 0 });
    expect(loaded.objects.trunks).toEqual(config.objects.trunks);
  });

  it("R-MEDIA-8, R-MEDIA-11 counts the calls that really fit", () => {
    const capacity = (media: string) =>
      checkReport(parseConfig(`sip: { announce: 192.0.2.1 }\nmedia: { ${media} }`, "t.yaml", {}), 4).capacity;
    expect(capacity("portMin: 10000, portMax: 10199, workers: 2")).toEqual({
      workers: 2,
      legsByPorts: 100,
      legsByWorkers: 4096,
      bridgedCalls: 50,
      limitedBy: "port range",
    });
    expect(capacity("portMin: 10001, portMax: 10199")).toMatchObject({ workers: 3, legsByPorts: 99 });
    expect(capacity("workers: 1, legsPerWorker: 10")).toMatchObject({ bridgedCalls: 5, limitedBy: "workers" });
    expect(capacity("maxCalls: 7")).toMatchObject({ bridgedCalls: 7, limitedBy: "media.maxCalls" });
    expect(capacity("maxCalls: 100000, portMin: 0, portMax: 0, workers: 1")).toMatchObject({
      legsByPorts: null,
      bridgedCalls: 1024,
      limitedBy: "workers",
    });
  });

  it("says what it would listen on", () => {
    const report = checkReport(
      parseConfig("sip: { announce: 203.0.113.5, tcpPort: off }\nhttp: { port: off }", "t.yaml", {}),
      2,
    );
    expect(report.listens).toEqual([
      "SIP over UDP  0.0.0.0:5060, announced as 203.0.113.5",
      "SIP over TLS  off: tls.certFile is not set",
      "RTP, RTCP     0.0.0.0:10000-60000, announced as 203.0.113.5",
      "HTTP          off",
    ]);
  });

  it("masks user and password in URLs", () => {
    const text = withAccount('byocTrunks: [{ name: a, voiceUrl: "https://user:hunter2@x.example/v" }]');
    expect(formatCheckReport(checkReport(parseConfig(text, "t.yaml", {}), 2))).not.toContain("hunter2");
  });

  it("finds files relative to the configuration file", () => {
    const folder = mkdtempSync(join(tmpdir(), "tandem-config-"));
    try {
      for (const name of ["a.pem", "a.key"]) writeFileSync(join(folder, name), "");
      const file = join(folder, "tandem.yaml");
      writeFileSync(file, "tls: { certFile: a.pem, keyFile: a.key }\nstore: data.db\n");
      const { settings } = loadConfig(file, {});
      expect([settings.tls.certFile, settings.store.path]).toEqual([join(folder, "a.pem"), join(folder, "data.db")]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
