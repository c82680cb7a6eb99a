/** Where the command line finds the gateway, and as whom it asks; what is missing is said with its cure. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { findAccess, getJson } from "../../src/cli/api-access.ts";
import { declaredAccountSid } from "../../src/cli/declared-sid.ts";
import { Secrets } from "../../src/store/secrets.ts";

const folder = mkdtempSync(join(tmpdir(), "tandem-access-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const KEY = Buffer.alloc(32, 7);
const TOKEN = "an-auth-token-of-16-or-more";

function config(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, `accounts: [{ name: main, authToken: ${TOKEN} }]\n${text}`);
  return file;
}

const main = { username: declaredAccountSid({ name: "main", sid: null }), password: TOKEN };
const operator = { username: "operator", password: new Secrets(KEY).operatorToken };

describe("findAccess", () => {
  it("takes URL and account from the environment", () => {
    const environment = { TANDEM_ACCOUNT_SID: "AC1", TANDEM_AUTH_TOKEN: "t", TANDEM_URL: "https://gw.test/base/" };
    expect(findAccess({}, environment)).toEqual({ url: "https://gw.test/base", username: "AC1", password: "t" });
    expect(findAccess({ url: "http://other:1" }, environment).url).toBe("http://other:1");
    const { TANDEM_URL: _, ...rest } = environment;
    expect(findAccess({}, rest).url).toBe("http://127.0.0.1:8080");
  });

  it("takes both from the configuration file, which TANDEM_CONFIG may name", () => {
    const file = config("plain.yaml", "http: { address: 0.0.0.0, port: 8123 }");
    expect(findAccess({ config: file }, {})).toEqual({ url: "http://127.0.0.1:8123", ...main });
    expect(findAccess({}, { TANDEM_CONFIG: file })).toEqual({ url: "http://127.0.0.1:8123", ...main });
    const six = config("six.yaml", 'http: { address: "::1" }');
    expect(findAccess({ config: six }, {}).url).toBe("http://[::1]:8080");
  });

  it("asks as the operator when the key can be read, and as an account when that is wanted", () => {
    const file = config("key.yaml", `auth: { operatorKey: ${KEY.toString("hex")} }`);
    expect(findAccess({ config: file }, {})).toMatchObject(operator);
    expect(findAccess({ config: file, account: "main" }, {})).toMatchObject(main);
    expect(findAccess({ config: file, account: main.username }, {})).toMatchObject(main);
    writeFileSync(join(folder, "operator.key"), KEY.toString("base64"));
    expect(findAccess({ config: config("file.yaml", "store: data.db") }, {})).toMatchObject(operator);
    // A store in memory has a key of its own, which nobody else knows.
    expect(findAccess({ config: config("memory.yaml", "auth: { operatorKeyFile: operator.key }") }, {})).toMatchObject(
      main,
    );
  });

  it("never sends the operator key itself", () => {
    for (const form of ["hex", "base64", "base64url"] as const)
      expect(operator.password).not.toContain(KEY.toString(form).slice(0, 8));
  });

  it.each([
    [{}, {}, "TANDEM_ACCOUNT_SID and TANDEM_AUTH_TOKEN"],
    [{ url: "nonsense" }, {}, "is no URL"],
    [{ url: "ftp://x" }, {}, "expected an http or https URL"],
    [{ url: "http://user:secret-word@x" }, {}, "no credentials in the URL"],
    [{ config: config("off.yaml", "http: { port: off }") }, {}, "http.port is off"],
    [{ config: config("any.yaml", "http: { port: 0 }") }, {}, "give --url"],
    [{ config: config("who.yaml", ""), account: "nobody" }, {}, 'declares no account "nobody"; it has main'],
    [{ config: join(folder, "missing.yaml") }, {}, "cannot be read"],
  ] as const)("%j is refused: %s", (options, environment, text) => {
    const attempt = (): unknown => findAccess(options, environment);
    expect(attempt).toThrow(text);
    expect(attempt).not.toThrow("secret-word");
  });

  it("wants to know which of several accounts", () => {
    const file = join(folder, "several.yaml");
    writeFileSync(file, `accounts:\n  - { name: a, authToken: ${TOKEN} }\n  - { name: b, authToken: ${TOKEN} }\n`);
    expect(() => findAccess({ config: file }, {})).toThrow("--account, a or b");
    expect(findAccess({ config: file, account: "b" }, {}).username).toBe(declaredAccountSid({ name: "b", sid: null }));
  });
});

describe("getJson", () => {
  it("says that nobody listens, that the answer is something else, and nothing that a terminal acts on", async () => {
    const answers: [number, string][] = [
      [200, "<html>"],
      [404, '{"error":"x"}'],
      [400, '{"message":"bad\\u001b[31m word"}'],
      [200, '{"fine":true}'],
    ];
    const server = createServer((_request, response) => {
      const [status, body] = answers.shift()!;
      response.writeHead(status).end(body);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const access = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ...main };
    await expect(getJson(access, "/")).rejects.toThrow("HTTP 200");
    await expect(getJson(access, "/")).rejects.toThrow("is no gateway that can explain calls");
    await expect(getJson(access, "/")).rejects.toThrow("bad\\u001b[31m word");
    expect(await getJson(access, "/")).toEqual({ fine: true });
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    await expect(getJson(access, "/")).rejects.toThrow("nobody listens there. Is `tandem serve` running");
  });
});
