import { expect, it } from "vitest";
import { Call } from "../../src/calls/call.ts";
import { callRecord } from "../../src/calls/call-records.ts";
import { ManualClock } from "../support/manual-clock.ts";

it("R-EDGE-7, R-EDGE-10: the record of a call says at which edge it was processed", () => {
  const details = { accountSid: "AC1", direction: "inbound", from: "+15550100", to: "+15550200" } as const;
  const made = (edge?: string) =>
    new Call(edge === undefined ? details : { ...details, edge }, new ManualClock(), (error) => {
      throw error;
    });
  expect(callRecord(made("tokyo"))).toMatchObject({ edge: "tokyo", from: "+15550100", status: "queued" });
  expect(callRecord(made())).toMatchObject({ edge: null });
});
