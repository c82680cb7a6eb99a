/** The old port of media that moved (SDP-11, RFC 3264 8.3.1). */
import { describe, expect, it } from "vitest";
import { retireMedia } from "../../src/calls/retire-media.ts";
import type { LegListener } from "../../src/scheduler/worker-handle.ts";
import { ManualClock } from "../support/manual-clock.ts";

function made() {
  const clock = new ManualClock();
  const asked: string[] = [];
  const listeners = new Set<LegListener>();
  const gone = Promise.withResolvers<void>();
  const old = {
    configure: (options: object) => {
      asked.push(JSON.stringify(options));
      return Promise.resolve();
    },
    unbridge: () => {
      asked.push("unbridge");
      return Promise.resolve();
    },
    close: () => {
      asked.push("close");
      return Promise.resolve(undefined);
    },
  };
  const next = {
    listen: (listener: LegListener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  retireMedia(clock, old, next, gone.promise);
  const tell = (type: "first-packet" | "latched") => {
    for (const listener of [...listeners])
      listener.onLegEvent?.(
        type === "latched" ? { type, leg: 0, address: "192.0.2.1", port: 1 } : { type: "first-packet", leg: 0 },
      );
  };
  return { clock, asked, listeners, gone, tell };
}

const SILENCED = ["unbridge", '{"sending":false,"mediaTimeoutMs":0}'];

describe("SDP-11 the port that media have left", () => {
  it("is silent and stays open until their packets come to the new one", () => {
    const { clock, asked, tell, listeners } = made();
    expect(asked).toEqual(SILENCED);
    clock.advance(1900);
    tell("latched");
    expect(asked).toEqual(SILENCED);
    tell("first-packet");
    expect(asked).toEqual([...SILENCED, "close"]);
    expect(clock.pendingTimers).toBe(0);
    expect(listeners.size).toBe(0);
  });

  it("closes after 2 s when nothing comes", () => {
    const { clock, asked, listeners } = made();
    clock.advance(1999);
    expect(asked).toEqual(SILENCED);
    clock.advance(1);
    expect(asked).toEqual([...SILENCED, "close"]);
    expect(listeners.size).toBe(0);
  });

  it("closes with the call", async () => {
    const { clock, asked, gone } = made();
    gone.resolve();
    await gone.promise;
    await Promise.resolve();
    expect(asked).toEqual([...SILENCED, "close"]);
    expect(clock.pendingTimers).toBe(0);
  });
});
