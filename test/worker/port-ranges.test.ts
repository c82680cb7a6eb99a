import { expect, it } from "vitest";
import { PortRanges } from "../../src/worker/port-ranges.ts";
import { ManualClock } from "../support/manual-clock.ts";

it("R-EDGE-1, R-NET-1: each address has ports of its own range, others share the common one", async () => {
  const bound: string[] = [];
  const closed: number[] = [];
  const ports = {
    bind: async (address: string, port: number) => ({ socket: bound.push(`${address}:${port}`), port }),
    close: (socket: number) => void closed.push(socket),
  };
  const ranges = new PortRanges(
    {
      portMin: 10_000,
      portMax: 10_003,
      portRanges: [
        { address: "127.0.0.21", portMin: 20_000, portMax: 20_003 },
        { address: "127.0.0.31", portMin: 20_000, portMax: 20_001 },
      ],
    },
    { ports: ports as never, clock: new ManualClock() },
  );
  const pair = await ranges.open("127.0.0.21");
  await ranges.open("127.0.0.31");
  await ranges.open("127.0.0.1");
  expect(bound).toEqual([
    "127.0.0.21:20000",
    "127.0.0.21:20001",
    "127.0.0.31:20000",
    "127.0.0.31:20001",
    "127.0.0.1:10000",
    "127.0.0.1:10001",
  ]);
  await expect(ranges.open("127.0.0.31")).rejects.toMatchObject({ code: "MEDIA_NO_PORT" });
  ranges.close(pair);
  expect(closed).toEqual([1, 2]);
  // The pair rests in its own range, and the other one of it is taken.
  expect((await ranges.open("127.0.0.21")).rtpPort).toBe(20_002);
  await expect(ranges.open("127.0.0.21")).rejects.toMatchObject({ code: "MEDIA_NO_PORT" });
});
