/** Which calls are remembered, and for how long (R-GEN-8: failed ones longest). */
import { describe, expect, it } from "vitest";
import { Call } from "../../src/calls/call.ts";
import { CallTable } from "../../src/calls/call-table.ts";
import { ManualClock } from "../support/manual-clock.ts";

const clock = new ManualClock();

function make(table: CallTable, callId = ""): Call {
  const call = new Call(
    { accountSid: "AC1", direction: "inbound", from: "1", to: "2", sipCallId: callId },
    clock,
    () => undefined,
  );
  table.add(call);
  call.note("received", "it came");
  return call;
}

function end(call: Call, well: boolean): Call {
  if (well) {
    call.apply("answered");
    call.apply("hung-up");
  } else call.apply("end-failed");
  return call;
}

describe("CallTable", () => {
  it("forgets calls that went well before those that failed", () => {
    const table = new CallTable(undefined, 4);
    const failed = end(make(table), false);
    const well = Array.from({ length: 6 }, () => end(make(table), true));
    expect([...table.ended()]).toEqual([failed, ...well.slice(-3)]);
  });

  it("gives failed calls no more than half, whatever is sent", () => {
    const table = new CallTable(undefined, 4);
    const well = [end(make(table), true), end(make(table), true)];
    const failed = Array.from({ length: 10 }, () => end(make(table), false));
    expect([...table.ended()]).toEqual([...well, ...failed.slice(-2)]);
  });

  it("keeps the decisions of calls that failed, and of the last 2000 that went well", () => {
    const table = new CallTable();
    const failed = end(make(table), false);
    const first = end(make(table), true);
    for (let n = 0; n < 2000; n++) end(make(table), true);
    expect(failed.decisions.entries).toHaveLength(1);
    expect(first.decisions.entries).toHaveLength(0);
    expect(first.decisions.dropped).toBe(1);
    expect(table.bySid(first.sid)).toBe(first);
  });

  it("tells its keeper of all Call-IDs that a call had, and how it ended", () => {
    const told: string[] = [];
    const table = new CallTable({
      claim: (callId, accountSid) => told.push(`claim ${callId} ${accountSid}`),
      settle: (callId, failed) => told.push(`settle ${callId} ${failed}`),
    });
    const call = make(table, "a");
    call.sipCallId = "b";
    call.sipCallId = "b";
    end(call, true);
    end(make(table, "c"), false);
    const troubled = make(table, "d");
    troubled.hasError = true;
    end(troubled, true);
    expect(told).toEqual([
      "claim a AC1",
      "settle a false",
      "settle b false",
      "claim c AC1",
      "settle c true",
      "claim d AC1",
      "settle d true",
    ]);
  });
});
