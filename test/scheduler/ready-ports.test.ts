import { describe, expect, it } from "vitest";
import { ReadyPorts } from "../../src/scheduler/ready-ports.ts";
import type { LegPorts } from "../../src/worker/protocol.ts";

/** A worker that binds pairs when it is told to, and what it was asked for. */
function aWorker(limit = Number.POSITIVE_INFINITY) {
  const asked: number[] = [];
  const waiting: (() => void)[] = [];
  let nextPort = 10_000;
  const reserve = (address: string, count: number): Promise<readonly LegPorts[]> => {
    asked.push(count);
    const { promise, resolve } = Promise.withResolvers<readonly LegPorts[]>();
    waiting.push(() => {
      const pairs: LegPorts[] = [];
      for (; pairs.length < count && nextPort < 10_000 + limit * 2; nextPort += 2)
        pairs.push({ address, rtpPort: nextPort, rtcpPort: nextPort + 1 });
      resolve(pairs);
    });
    return promise;
  };
  const answer = async (): Promise<void> => {
    for (const one of waiting.splice(0)) one();
    await new Promise((done) => setImmediate(done));
  };
  return { asked, answer, reserve };
}

describe("port pairs that are ready before a call wants them", () => {
  it("has none at first, then gives each once, oldest first, and buys more before the last is gone", async () => {
    const worker = aWorker();
    const ready = new ReadyPorts(worker.reserve);
    expect(ready.take("127.0.0.1")).toBeUndefined();
    await worker.answer();
    expect(worker.asked).toEqual([4]);
    expect([ready.take("127.0.0.1"), ready.take("127.0.0.1")].map((pair) => pair?.rtpPort)).toEqual([10_000, 10_002]);
    expect(worker.asked).toEqual([4, 2]);
    await worker.answer();
    const ports = Array.from({ length: 4 }, () => ready.take("127.0.0.1")?.rtpPort);
    expect(ports).toEqual([10_004, 10_006, 10_008, 10_010]);
  });

  it("asks for more the more often it runs dry, up to a bound, and one question at a time", async () => {
    const worker = aWorker();
    const ready = new ReadyPorts(worker.reserve);
    for (let round = 0; round < 8; round++) {
      for (let i = 0; i < 200; i++) ready.take("127.0.0.1");
      expect(worker.asked).toHaveLength(round + 1);
      await worker.answer();
    }
    expect(Math.max(...worker.asked)).toBeLessThanOrEqual(64);
    expect(worker.asked.at(-1)).toBeGreaterThan(32);
  });

  it("keeps addresses apart, and holds back no more of a small range than it may", async () => {
    const worker = aWorker();
    const ready = new ReadyPorts(worker.reserve, 2);
    ready.take("127.0.0.1");
    ready.take("127.0.0.2");
    await worker.answer();
    expect(worker.asked).toEqual([2, 2]);
    expect(ready.take("127.0.0.2")?.address).toBe("127.0.0.2");
    expect(ready.take("127.0.0.1")?.address).toBe("127.0.0.1");
    const none = new ReadyPorts(worker.reserve, 0);
    expect(none.take("127.0.0.1")).toBeUndefined();
    expect(worker.asked).toHaveLength(4);
  });

  it("goes on asking after a worker had none left or was gone", async () => {
    const worker = aWorker(1);
    const ready = new ReadyPorts(worker.reserve);
    ready.take("127.0.0.1");
    await worker.answer();
    expect(ready.take("127.0.0.1")?.rtpPort).toBe(10_000);
    await worker.answer();
    expect(ready.take("127.0.0.1")).toBeUndefined();
    let asked = 0;
    const gone = new ReadyPorts(() => {
      asked++;
      return Promise.reject(new Error("gone"));
    });
    gone.take("127.0.0.1");
    await worker.answer();
    gone.take("127.0.0.1");
    expect(asked).toBe(2);
  });

  it("takes a pair back that nobody was told of, while there is room", async () => {
    const worker = aWorker();
    const ready = new ReadyPorts(worker.reserve);
    ready.take("127.0.0.1");
    await worker.answer();
    const pairs = Array.from({ length: 4 }, () => ready.take("127.0.0.1")!);
    expect(worker.asked).toEqual([4, 2]);
    expect(ready.giveBack(pairs[0]!)).toBe(true);
    expect(ready.take("127.0.0.1")).toBe(pairs[0]);
    for (const pair of pairs) expect(ready.giveBack(pair)).toBe(true);
    expect(ready.giveBack({ address: "127.0.0.1", rtpPort: 9000, rtcpPort: 9001 })).toBe(false);
    expect(ready.giveBack({ address: "127.0.0.9", rtpPort: 9000, rtcpPort: 9001 })).toBe(false);
  });
});
