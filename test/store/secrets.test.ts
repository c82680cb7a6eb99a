import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadOperatorKey } from "../../src/store/operator-key.ts";
import { parseOperatorKey, Secrets } from "../../src/store/secrets.ts";

const KEY = new Uint8Array(32).fill(7);

describe("R-AUTH-11 sealed secrets", () => {
  it("opens what it sealed, each time in another form", () => {
    const secrets = new Secrets(KEY);
    const text = "Correct-Horse-9 ü";
    const [one, two] = [secrets.seal(text, "CR1"), secrets.seal(text, "CR1")];
    expect(one).not.toBe(two);
    expect(one).not.toContain("Correct");
    expect([secrets.unseal(one, "CR1"), new Secrets(KEY).unseal(two, "CR1")]).toEqual([text, text]);
    expect(secrets.unseal(secrets.seal("", "CR1"), "CR1")).toBe("");
  });

  it("tells another key from damage, and a text from another place", () => {
    const secrets = new Secrets(KEY);
    const sealed = secrets.seal("secret", "CR1");
    expect(() => Secrets.ephemeral().unseal(sealed, "CR1")).toThrow(expect.objectContaining({ code: "STORE_KEY" }));
    const flipped = sealed.slice(0, -6) + (sealed.at(-6) === "A" ? "B" : "A") + sealed.slice(-5);
    for (const [bad, place] of [
      [sealed, "CR2"],
      [flipped, "CR1"],
      ["v1.x", "CR1"],
      ["", "CR1"],
      [sealed.slice(0, 20), "CR1"],
      [sealed.replace("v1", "v2"), "CR1"],
    ] as const)
      expect(() => secrets.unseal(bad, place), bad).toThrow(expect.objectContaining({ code: "STORE_CORRUPT" }));
  });

  it("takes keys of 32 octets in hex or base64 only", () => {
    expect(parseOperatorKey("07".repeat(32))).toEqual(KEY);
    expect(parseOperatorKey(`${Buffer.from(KEY).toString("base64")}\n`)).toEqual(KEY);
    expect(parseOperatorKey(Buffer.from(KEY).toString("base64url"))).toEqual(KEY);
    for (const bad of ["", "short", "07".repeat(31), "g".repeat(64), "A".repeat(45)])
      expect(parseOperatorKey(bad)).toBeNull();
    expect(() => new Secrets(new Uint8Array(16))).toThrow(RangeError);
  });
});

describe("operator key", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tandem-key-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is made once, for the operator alone", () => {
    const fallbackFile = join(folder, "tandem.key");
    const first = loadOperatorKey({ fallbackFile });
    expect(first).toMatchObject({ created: true, origin: fallbackFile });
    expect(statSync(fallbackFile).mode & 0o777).toBe(0o600);
    expect(loadOperatorKey({ fallbackFile })).toEqual({ ...first, created: false });
    expect(parseOperatorKey(readFileSync(fallbackFile, "utf8"))).toEqual(first.key);
  });

  it("comes from the environment before the file, and is never made when one is named", () => {
    const file = join(folder, "given.key");
    writeFileSync(file, "07".repeat(32));
    const fallbackFile = join(folder, "never.key");
    expect(loadOperatorKey({ file, fallbackFile }).key).toEqual(KEY);
    expect(loadOperatorKey({ text: "08".repeat(32), file, fallbackFile }).key[0]).toBe(8);
    expect(() => loadOperatorKey({ file: join(folder, "missing"), fallbackFile })).toThrow(
      expect.objectContaining({ code: "STORE_KEY" }),
    );
    expect(() => loadOperatorKey({ text: "too short", fallbackFile })).toThrow(/openssl rand/);
    expect(() => statSync(fallbackFile)).toThrow();
  });
});
