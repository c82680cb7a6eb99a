/** R-MEDIA, style.md 7: a packet in and out allocates nothing in JavaScript, on either road, in streams and in conferences. */
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const program = resolve(import.meta.dirname, "../support/allocation-run.ts");
/** Room for all garbage of a run that made some: a collection could hide it. */
const FLAGS = ["--expose-gc", "--min-semi-space-size=64", "--max-semi-space-size=64"];
const PACKETS = 300_000;
/**
 * What a third of them may add to the heap: what the measurement itself takes, and 200 octets for every 64 KiB of
 * randomness. One object of 16 octets a packet would be 1.6 million, one of 32 a tick 200,000.
 */
const HEAP_BYTES_MAX = 20_000;

interface Result {
  readonly heapBytes: number;
  readonly collections: number;
  readonly datagramOctets: number;
  readonly frameOctets: number;
  readonly faults: number;
}

it.each([
  ["plain", "relayed from mu-law to A-law and back"],
  ["secure", "protected, unprotected and relayed"],
  ["streams", "relayed with Media Streams and raw taps"],
  ["conference", "mixed"],
  ["playing", "received by legs that play"],
])("300,000 packets, %s: %s, leave the heap as it was", async (mode) => {
  const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, program, mode, String(PACKETS)]);
  const result = JSON.parse(stdout) as Result;
  expect(result.collections).toBe(0);
  expect(result.heapBytes).toBeLessThan(HEAP_BYTES_MAX);
  expect(result.faults).toBe(0);
  // It was no idle run.
  expect(result.datagramOctets).toBeGreaterThan(100 * PACKETS);
  if (mode === "streams") expect(result.frameOctets).toBeGreaterThan(500 * PACKETS);
});
