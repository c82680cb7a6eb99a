/** What is kept of a transaction (the memory rows of `bench/signalling`), held against a bound that leaves room for other versions of Node. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";

/** Octets. */
const TRANSACTION_MAX = 4096;
const LIVE = 1500;

describe("memory of transactions: under 4 KiB each", () => {
  let octets: Record<string, number> = {};

  beforeAll(() => {
    const script = join(import.meta.dirname, "../support/footprint-run.ts");
    octets = JSON.parse(execFileSync(process.execPath, [script, String(LIVE)], { encoding: "utf8" }));
  }, 120_000);

  it.each([
    ["a request that was answered, kept for its repeats", "transaction/answered", 1],
    ["an INVITE of 1 KB that rings, with its invitation", "transaction/ringing", 1],
    ["an INVITE that was refused and waits for its ACK", "transaction/refused", 1],
    ["an INVITE of ours without an answer, with what its caller gave us", "transaction/placed", 1],
    ["a call that is over: its INVITE and its BYE", "dialog/ended", 2],
  ])("%s", (_what, name, transactions) => {
    expect(octets[name]).toBeGreaterThan(0);
    expect(octets[name]! / transactions).toBeLessThan(TRANSACTION_MAX);
  });
});
