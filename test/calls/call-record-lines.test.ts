/** Records of calls in the file that the operator names: metadata, and nothing else (R-EDGE-10, R-COMP-4, R-ORIG-26). */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { Call } from "../../src/calls/call.ts";
import { CallRecords } from "../../src/calls/call-records.ts";
import { MemoryLog } from "../support/gateway.ts";
import { ManualClock } from "../support/manual-clock.ts";

const folder = mkdtempSync(join(tmpdir(), "tandem-records-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function madeCall(clock: ManualClock): Call {
  const call = new Call(
    {
      accountSid: `AC${"1".repeat(32)}`,
      direction: "trunking-originating",
      from: "+15550100100",
      to: "+15550200200",
      trunkSid: `TK${"2".repeat(32)}`,
      remote: "192.0.2.1:5060",
      sipCallId: "one@192.0.2.1",
    },
    clock,
    (error) => {
      throw error;
    },
  );
  call.note("attempt", "…", { code: "target.silent", target: "sip:a.example", status: 0, ms: 4000 });
  call.note("attempt", "…", { code: "target.status", target: "sip:b.example", status: 503, ms: 20 });
  call.note("attempt", "…", { code: "target.answered", target: "sip:c.example", ms: 1500 });
  call.note("verb", "keys were sent", { code: "verb.Play", digits: "1234" });
  call.apply("sent");
  call.apply("answered");
  clock.advance(61_000);
  call.sipStatus = 200;
  call.apply("hung-up");
  return call;
}

it("R-EDGE-10, R-COMP-4, R-ORIG-26: one line a call where the setting says, with the attempts, without audio, keys or digits", async () => {
  const clock = new ManualClock();
  const log = new MemoryLog();
  const file = join(folder, "calls.jsonl");
  const first = new CallRecords(file, log);
  const call = madeCall(clock);
  first.add(call);
  await first.close();
  // Another run of the gateway goes on in the same file.
  const second = new CallRecords(file, log);
  second.add(madeCall(clock));
  await second.close();
  const text = readFileSync(file, "utf8");
  const [line, other, end] = text.split("\n");
  expect(end).toBe("");
  expect((JSON.parse(other!) as { sid: string }).sid).not.toBe(call.sid);
  expect(JSON.parse(line!)).toEqual({
    sid: call.sid,
    parentSid: null,
    accountSid: call.details.accountSid,
    trunkSid: call.details.trunkSid,
    byocTrunkSid: null,
    direction: "trunking-originating",
    from: "+15550100100",
    to: "+15550200200",
    remote: "192.0.2.1:5060",
    edge: null,
    status: "completed",
    sipStatus: 200,
    createdAt: call.createdAt.toISOString(),
    answeredAt: call.answeredAt!.toISOString(),
    endedAt: call.endedAt!.toISOString(),
    durationSeconds: 61,
    sipCallIds: ["one@192.0.2.1"],
    attempts: [
      { target: "sip:a.example", result: "timeout", status: null, ms: 4000 },
      { target: "sip:b.example", result: "status", status: 503, ms: 20 },
      { target: "sip:c.example", result: "answered", status: 200, ms: 1500 },
    ],
    chosenTarget: "sip:c.example",
  });
  expect(text).not.toContain("1234");
  expect(log.lines).toEqual([]);
});

it("R-COMP-4: a file that cannot be written costs records, is told once, and never throws", async () => {
  const clock = new ManualClock();
  const log = new MemoryLog();
  const path = join(folder, "a-folder");
  mkdirSync(path);
  const records = new CallRecords(path, log);
  records.add(madeCall(clock));
  await records.close();
  records.add(madeCall(clock));
  records.add(madeCall(clock));
  expect(records.lost).toBeGreaterThanOrEqual(2);
  expect(log.lines.filter((one) => one.startsWith("error"))).toHaveLength(1);
});
