import { describe, expect, it } from "vitest";
import { CallPair } from "../support/sip-calls.ts";

describe.each(["udp", "tcp"] as const)("calls over %s", (transport) => {
  it("field.md 11: 1,000 calls, answered, rejected, cancelled and hung up, leave no transaction, dialog or timer", async () => {
    const pair = new CallPair(transport);
    await pair.start();
    for (let batch = 0; batch < 10; batch++) await pair.batch(100);
    expect(pair.finished).toBe(1000);
    expect(pair.left).toEqual({ transactions: 0, dialogs: 0 });
    await pair.stop();
    expect(pair.clock.pendingTimers).toBe(0);
  });
});
