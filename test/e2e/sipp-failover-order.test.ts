/** The order in which targets are tried, on the wire with SIPp (R-ORIG-12, R-ORIG-15 to R-ORIG-17, R-BYOC-11). */
import { describe, expect } from "vitest";
import { type Scene, Stage } from "../support/stage.ts";

const NO_ANSWER_SECONDS = 1.5;
const stage = new Stage("sipp-failover-order", 91, { sip: `  noAnswerMs: ${1000 * NO_ANSWER_SECONDS}` });
const TARGETS = {
  targets: ["sip:{0}:5060", "sip:{1}:5060", "sip:{2}:5060", "sip:{3}:5060", "sip:{4}:5060"],
  priorities: [10, 10, 20, 30, 40],
} as const;

/** Which targets got an INVITE, in the order of their first one, with its time. */
function invited(scene: Scene): { readonly target: number; readonly at: number }[] {
  const firsts = new Map<number, number>();
  for (let target = 0; target < 5; target++) {
    const [first] = scene.sentTo(scene.callee(target), "INVITE ");
    if (first !== undefined) firsts.set(target, first.at);
  }
  return [...firsts].map(([target, at]) => ({ target, at })).sort((a, b) => a.at - b.at);
}

describe.concurrent("SIPp: two priorities that are of no use", () => {
  for (const direction of ["origination", "termination"] as const)
    stage.scene(
      `R-ORIG-12, R-ORIG-15, R-ORIG-17, R-BYOC-11: ${direction}: the silent two of the first priority, the one of the second that fails, the third answers, the fourth is never asked`,
      { direction, ...TARGETS },
      async (scene) => {
        await scene.answering("uas_silent", ["-d", "9000"], { target: 0, ends: false });
        await scene.answering("uas_silent", ["-d", "9000"], { target: 1, ends: false });
        await scene.answering("uas_reject", ["-key", "code", "500"], { target: 2 });
        await scene.answering("uas_call", [], { target: 3 });
        await scene.answering("uas_call", [], { target: 4, ends: false });
        await scene.calling("uac_call", ["-d", "300"]);
        const order = invited(scene);
        expect(
          order
            .slice(0, 2)
            .map(({ target }) => target)
            .sort(),
        ).toEqual([0, 1]);
        expect(order.slice(2).map(({ target }) => target)).toEqual([2, 3]);
        // Never early; how late is the machine's affair.
        for (const [before, after] of [
          [order[0]!, order[1]!],
          [order[1]!, order[2]!],
        ] as const)
          expect(after.at - before.at).toBeGreaterThan(NO_ANSWER_SECONDS - 0.1);
      },
    );

  stage.scene(
    "R-ORIG-16: a target that is switched off gets no packet",
    { direction: "origination", targets: ["sip:{0}:5060", "sip:{1}:5060"], disabled: [0] },
    async (scene) => {
      await scene.answering("uas_call", [], { target: 0, ends: false });
      await scene.answering("uas_call", [], { target: 1 });
      await scene.calling("uac_call", ["-d", "100"]);
      expect(scene.datagrams().filter(({ to }) => to === scene.callee(0))).toEqual([]);
    },
  );
});

stage.verdict();
