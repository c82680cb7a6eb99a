/** SRTP and SRTCP against libsrtp itself, when it can be compiled here; the long form is `npm run soak:srtp`. */
import { describe, expect, it } from "vitest";
import { prepareLibsrtp } from "../support/libsrtp-peer.ts";
import { SrtpBench } from "../support/srtp-bench.ts";
import { exchange } from "../support/srtp-exchange.ts";
import { loadWasm } from "../support/wasm.ts";

const missing = prepareLibsrtp();
if (missing !== undefined) console.log(`libsrtp is not asked: ${missing}`);
const bench = new SrtpBench(loadWasm());

describe("RFC 3711 both ways with libsrtp over three wraps, with loss, reordering, replays and forgeries", () => {
  // Elsewhere than in CI a compiler and libsrtp2-dev are the developer's choice; the reason for skipping is printed above.
  it.skipIf(process.env["CI"] === undefined)("in CI libsrtp is there", () => {
    expect(missing).toBeUndefined();
  });

  it.skipIf(missing !== undefined).each([10, 4] as const)(`tag of %i octets${missing ?? ""}`, (tagBytes) => {
    const report = exchange(bench, { tagBytes, packets: 10_000, wraps: 3, seed: tagBytes });
    // That there was something to agree on.
    expect(report.sent).toBe(10_000);
    expect(report.rollovers).toBe(3);
    expect(report.accepted).toBeGreaterThan(7000);
    expect(report.refused).toBeGreaterThan(400);
    expect(report.rtcpAccepted).toBeGreaterThan(100);
    expect(report.rtcpRefused).toBeGreaterThan(5);
  });
});
