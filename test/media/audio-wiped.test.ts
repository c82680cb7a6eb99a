/** R-COMP-7: what legs leave of their audio in the engine's memory is overwritten. */
import { describe, expect, it } from "vitest";
import { findPattern, patternUlaw } from "../support/audio-pattern.ts";
import { Host, run } from "../support/media-pair.ts";

const PATTERN = patternUlaw();

describe("R-COMP-7 the memory of the engine", () => {
  it("holds the audio of a call while it is up, and nothing of it behind the call", () => {
    const [caller, gateway, callee] = [new Host(2), new Host(8), new Host(2)];
    const at = (host: number, port: number) => ({ remoteRtp: { address: `127.0.0.${host}`, port } });
    const far = caller.open("127.0.0.1", 1000, at(2, 2000));
    const near = gateway.open("127.0.0.2", 2000, at(1, 1000));
    // Another law on the other side: the audio is transcoded as well.
    const other = gateway.open("127.0.0.2", 2010, { ...at(3, 3000), codec: "PCMA" });
    const end = callee.open("127.0.0.3", 3000, { ...at(2, 2010), codec: "PCMA" });
    const played = gateway.open("127.0.0.2", 2020, at(1, 1010));
    gateway.core.bridge(near, other, 0);
    const tap = gateway.core.openTap({ leg: near, tracks: ["inbound", "outbound"] }, 0);
    gateway.core.openStream({ leg: other, tracks: ["inbound", "outbound"], streamSid: `MZ${"a".repeat(32)}` }, 0);
    let frames = 0;
    for (let nowMs = 0; nowMs < 1000; nowMs += 5) {
      if (nowMs % 20 === 0) {
        caller.core.playbackWrite(far, PATTERN);
        callee.core.playbackWrite(end, PATTERN);
        gateway.core.playbackWrite(played, PATTERN);
      }
      for (const host of [caller, gateway, callee]) host.core.tick(nowMs);
      gateway.core.forEachFrame(({ stream }) => {
        if (stream === tap) frames++;
      });
      run([caller, gateway, callee], nowMs, nowMs + 1);
    }
    expect(frames).toBeGreaterThan(50);
    expect(findPattern(gateway.core.bytes)).not.toEqual([]);
    for (const leg of [near, other, played]) gateway.core.closeLeg(leg, 1000);
    gateway.core.forEachDatagram(() => undefined);
    gateway.core.forEachFrame(() => undefined);
    gateway.core.wipeAudio();
    expect(findPattern(gateway.core.bytes)).toEqual([]);
  });

  it("goes on with legs that are still open", () => {
    const [caller, gateway] = [new Host(2), new Host(2)];
    const far = caller.open("127.0.0.1", 1000, { remoteRtp: { address: "127.0.0.2", port: 2000 } });
    const leg = gateway.open("127.0.0.2", 2000, { remoteRtp: { address: "127.0.0.1", port: 1000 } });
    const tap = gateway.core.openTap({ leg, tracks: ["inbound"] }, 0);
    const heard: Buffer[] = [];
    for (let nowMs = 0; nowMs < 1000; nowMs += 5) {
      if (nowMs % 20 === 0) caller.core.playbackWrite(far, PATTERN);
      for (const host of [caller, gateway]) host.core.tick(nowMs);
      gateway.core.forEachFrame(({ stream, bytes, offset, length }) => {
        if (stream === tap) heard.push(Buffer.from(bytes.subarray(offset, offset + length)));
      });
      run([caller, gateway], nowMs, nowMs + 1);
      if (nowMs % 100 === 0) gateway.core.wipeAudio();
    }
    expect(heard.slice(10).every((frame) => findPattern(frame).length > 0)).toBe(true);
    expect(gateway.core.stats(leg).packetsLost).toBe(0);
  });
});
