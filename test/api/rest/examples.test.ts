/** The examples for REST run as they stand. */
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACCOUNT, BASE_DOMAIN, type RestStage, startRest } from "../../support/rest.ts";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../../..");
let stage: RestStage;
beforeAll(async () => {
  stage = await startRest();
});
afterAll(() => stage.stop());

describe("examples/rest", () => {
  it("customer.mjs makes a trunk and a carrier from nothing, and leaves nothing behind", async () => {
    const env = {
      ...process.env,
      TANDEM_URL: stage.url,
      TANDEM_ACCOUNT_SID: ACCOUNT.sid,
      TANDEM_AUTH_TOKEN: ACCOUNT.token,
      TANDEM_BASE: BASE_DOMAIN,
    };
    const { stdout, stderr } = await run(process.execPath, ["examples/rest/customer.mjs"], { cwd: root, env });
    expect(stderr).toBe("");
    const lines = stdout.trim().split("\n");
    expect(lines.filter((line) => line.startsWith("made")).length).toBe(16);
    expect(lines.filter((line) => line.startsWith("deleted")).length).toBe(16);
    expect(stdout).toContain("guarded by CREDENTIAL_LIST; recording: record-from-answer-dual");
    for (const kind of ["trunks", "originationUrls", "phoneNumbers", "sipDomains", "byocTrunks", "ipAcls"] as const)
      expect([...stage.store.list(kind)], kind).toEqual([]);
  });

  it("customer.mjs says what it needs", async () => {
    const env = { PATH: process.env["PATH"] };
    await expect(run(process.execPath, ["examples/rest/customer.mjs"], { cwd: root, env })).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining("TANDEM_URL"),
    });
  });
});
