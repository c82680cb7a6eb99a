/** No media worker has room: the call is refused and over, and leaves nothing behind (R-MEDIA-8, R-PERF-4). */
import { afterEach, expect, it } from "vitest";
import { type CallRig, sdp, startCallRig } from "../support/call-rig.ts";
import { until } from "../support/gateway.ts";

let rig: CallRig | undefined;
afterEach(async () => {
  await rig?.stop();
  rig = undefined;
});

it("R-MEDIA-8: a call that finds all legs taken gets 503 and ends; the next one is served when there is room", async () => {
  rig = await startCallRig({ media: "  legsPerWorker: 2" });
  const { gateway, caller, carrier } = rig;
  const first = await caller.invite();
  await carrier.answer(await carrier.request("INVITE"), 200, { sdp: sdp(carrier.address) });
  expect((await first.final()).status).toBe(200);
  const second = await caller.invite();
  expect((await second.final()).status).toBe(503);
  await until(() => gateway.gateway.calls.liveCount === 2, "only the first call and its leg are left");
  await first.bye();
  await carrier.answer(await carrier.request("BYE"), 200);
  await until(() => gateway.gateway.calls.liveCount === 0, "the end of all calls");
  const third = await caller.invite();
  await carrier.answer(await carrier.request("INVITE"), 486);
  expect((await third.final()).status).toBe(486);
});
