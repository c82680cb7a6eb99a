/** A leg on hold keeps its port open: RTCP goes on (R-KEEP-7, RTP-SES-4, SDP-9), in virtual time. */
import { describe, expect, it } from "vitest";
import { Host } from "../support/media-pair.ts";

const remote = { remoteRtp: { address: "127.0.0.1", port: 1000 }, remoteRtcp: { address: "127.0.0.1", port: 1001 } };

describe("a leg on hold", () => {
  it.each([
    ["inactive", { sending: false, receiving: false }],
    ["recvonly", { sending: false, receiving: true }],
  ])("R-KEEP-7, RTP-SES-4: %s: no RTP, and RTCP with no gap above 15 s over ten minutes", (_name, direction) => {
    const host = new Host();
    const leg = host.open("127.0.0.2", 2000, { ...remote, mediaTimeoutMs: 0 });
    host.core.configureLeg(leg, direction, 0);
    const reportsMs = [0];
    let rtp = 0;
    for (let nowMs = 5; nowMs <= 600_000; nowMs += 5) {
      host.core.tick(nowMs);
      host.core.forEachDatagram(({ component }) => {
        if (component === 1) reportsMs.push(nowMs);
        else rtp++;
      });
    }
    reportsMs.push(600_000);
    expect(rtp).toBe(0);
    expect(reportsMs.length).toBeGreaterThan(60);
    expect(Math.max(...reportsMs.slice(1).map((atMs, i) => atMs - reportsMs[i]!))).toBeLessThanOrEqual(15_000);
  });
});
