/**
 * What was set as a secret comes out nowhere: not in any answer, not in an error, not in the data file (R-AUTH-8, R-AUTH-11,
 * trunking-rest.md 6.6). Every GET that is served is asked, of everything that a walk through the API has made.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describedPath } from "../../../src/api/rest/description/index.ts";
import { SystemClock } from "../../../src/base/clock.ts";
import { Secrets } from "../../../src/store/secrets.ts";
import { SqliteStore } from "../../../src/store/sqlite-store.ts";
import { testByocTrunk } from "../../support/records.ts";
import { ACCOUNT, OTHER_ACCOUNT, type RestStage, SUB_ACCOUNT, startRest } from "../../support/rest.ts";
import { RestWorld, walkOrder } from "../../support/rest-walk.ts";

const PASSWORDS = {
  made: "First-Marked-Password-1",
  changed: "Second-Marked-Password-2",
  target: "Third-Marked-Password-3",
  call: "Fourth-Marked-Password-4",
  weak: "fifth-marked-password",
};

let folder: string;
let store: SqliteStore;
let stage: RestStage;
let world: RestWorld;
/** What → the text that may not be seen again. */
const secrets = new Map<string, string>(Object.entries(PASSWORDS));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tandem-secrets-"));
  const sealing = Secrets.ephemeral();
  store = new SqliteStore({ path: join(folder, "data"), secrets: sealing, clock: new SystemClock() });
  stage = await startRest(store, { secrets: sealing });
  for (const { sid, token } of [ACCOUNT, SUB_ACCOUNT, OTHER_ACCOUNT]) secrets.set(`auth token of ${sid}`, token);
  secrets.set("token of the operator", sealing.operatorToken);
  await store.apply([
    { kind: "byocTrunks", put: testByocTrunk({ accountSid: ACCOUNT.sid, targetPassword: PASSWORDS.target }) },
  ]);
  world = await new RestWorld(stage).prepare();
});
afterAll(async () => {
  await stage.stop();
  await store.close();
  rmSync(folder, { recursive: true });
});

function expectNoSecret(text: string, where: string): void {
  for (const [what, secret] of secrets) expect(text.includes(secret), `${what} in ${where}`).toBe(false);
}

describe("secrets", () => {
  it("R-AUTH-8 a password, a token or the secret of a key is in the answer that makes it at most", async () => {
    for (const [resource, sample] of walkOrder()) {
      // What is read alone.
      if (resource.create === undefined && resource.update === undefined) continue;
      const fields = { ...sample(world) };
      if ("Password" in fields) fields["Password"] = PASSWORDS.made;
      if (resource.collection?.endsWith("/Calls.json"))
        Object.assign(fields, { SipAuthUsername: "user", SipAuthPassword: PASSWORDS.call });
      const made = await world.send("POST", world.pathOf(resource.collection ?? resource.item!), fields);
      expect(made.status, `${resource.name}: ${JSON.stringify(made.body)}`).toBeLessThan(300);
      const { secret, auth_token: token } = made.body;
      // Only these two tell something that cannot be asked for again.
      expectNoSecret(JSON.stringify({ ...made.body, secret: "", auth_token: "" }), `POST of ${resource.name}`);
      if (secret !== undefined) secrets.set(`secret of ${made.body.sid}`, secret);
      if (token !== undefined && !/^\*+$/.test(token)) secrets.set(`auth token of ${made.body.sid}`, token);
      if (resource.collection !== undefined) world.note(resource, made.body);
    }
    expect([...secrets.keys()].filter((what) => /^secret of SK|^auth token of AC/.test(what))).toHaveLength(6);
    const list = `/2010-04-01/Accounts/{account}/SIP/CredentialLists/{list}/Credentials`;
    const user = world.pathOf(`${list}/{entry}.json`);
    expect((await world.send("POST", user, { Password: PASSWORDS.changed })).status).toBe(200);
    const refused = await world.send("POST", user, { Password: PASSWORDS.weak });
    expect(refused.status).toBe(400);
    expectNoSecret(JSON.stringify(refused.body), "an error");
  });

  it("R-AUTH-8 no GET that is served tells one, to the account, to its parent, or to the operator", async () => {
    const operator = `Basic ${Buffer.from(`operator:${stage.secrets.operatorToken}`).toString("base64")}`;
    const asked: string[] = [];
    for (const route of stage.routes.filter(({ method }) => method === "GET")) {
      const template = describedPath(route.path);
      const path = pathOf(template);
      if (path === undefined) continue;
      for (const authorization of [undefined, operator]) {
        const answer = await world.send("GET", path, undefined, authorization === undefined ? {} : { authorization });
        expectNoSecret(JSON.stringify(answer.body ?? ""), `GET ${path}`);
        if (answer.status === 200) asked.push(template);
      }
    }
    for (const template of [
      "/2010-04-01/Accounts.json",
      "/2010-04-01/Accounts/{account}.json",
      "/2010-04-01/Accounts/{account}/Keys.json",
      "/2010-04-01/Accounts/{account}/Keys/{key}.json",
      "/2010-04-01/Accounts/{account}/SIP/CredentialLists/{list}/Credentials.json",
      "/2010-04-01/Accounts/{account}/SIP/CredentialLists/{list}/Credentials/{entry}.json",
      "/2010-04-01/Accounts/{account}/Calls/{call}.json",
      "/v1/ByocTrunks",
    ])
      expect(asked).toContain(template);
    expect(new Set(asked).size).toBeGreaterThan(50);
  });

  it("R-AUTH-11 nor is one in the data file, in clear, in base64 or in hex", async () => {
    const files = readdirSync(folder);
    expect(files).toContain("data");
    for (const file of files) {
      const octets = readFileSync(join(folder, file));
      for (const [what, secret] of secrets)
        for (const text of [
          secret,
          Buffer.from(secret).toString("base64").replace(/=+$/, ""),
          Buffer.from(secret).toString("hex"),
        ])
          expect(octets.includes(text), `${what} in ${file}`).toBe(false);
    }
    // What is not secret is there, so that this looked at the right files.
    expect(files.some((file) => readFileSync(join(folder, file)).includes(ACCOUNT.sid))).toBe(true);
  });
});

/** Undefined for what the walk has not made. */
function pathOf(template: string): string | undefined {
  try {
    return world.pathOf(template);
  } catch {
    return undefined;
  }
}
