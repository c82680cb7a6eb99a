/** REST while the disk is full or can only be read: 503 with Retry-After, reads go on, nothing acknowledged is lost, and it works again. */
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import type { SeenOnDisk } from "../support/disk-faults.ts";

const script = resolve(import.meta.dirname, "../support/disk-faults.ts");
const folder = mkdtempSync(join(tmpdir(), "tandem-disk-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A disk of its own needs a mount namespace: as root, or where users may make one. */
const ways = [["-m"], ["-r", "-m"]];
const way = ways.find((args) => spawnSync("unshare", [...args, "mount", "-t", "tmpfs", "t", folder]).status === 0);

async function onDisk(fault: "full" | "read-only"): Promise<SeenOnDisk> {
  const args = [...way!, process.execPath, "--no-warnings", script, fault, join(folder, fault)];
  return JSON.parse((await promisify(execFile)("unshare", args)).stdout) as SeenOnDisk;
}

// Only Linux has namespaces; without them there is no disk to fill.
describe.skipIf(way === undefined)("a disk that fails", () => {
  it("full: writes get 503 until there is room again", async () => {
    const seen = await onDisk("full");
    expect(seen.refusal).toMatchObject({ status: 503, code: 20503, retryAfter: "1" });
    expect(seen.refusal.message).toMatch(/^nothing was changed: .*full/);
    expect(seen.acknowledged.length).toBeGreaterThan(2);
    // The last one came after the room was there again.
    expect(seen.read).toEqual({ status: 200, count: seen.acknowledged.length - 1 });
    expect(seen.after).toBe(201);
    expect(seen.found).toEqual(seen.acknowledged);
  });

  it("read-only: starts from what is there, writes get 503 until it can be written again", async () => {
    const seen = await onDisk("read-only");
    expect(seen.refusal).toMatchObject({ status: 503, code: 20503, retryAfter: "1" });
    expect(seen.refusal.message).toMatch(/^nothing was changed: /);
    expect(seen.read).toEqual({ status: 200, count: 1 });
    expect(seen.after).toBe(201);
    expect(seen.found).toEqual(seen.acknowledged);
    expect(seen.acknowledged).toHaveLength(2);
  });
});
