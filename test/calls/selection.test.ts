/**
 * Which target gets a call, with real INVITEs to targets that refuse at once: shares by weight (R-ORIG-14), what follows a failure
 * (R-ORIG-15), and each final status there is (R-ORIG-18, R-ORIG-19), for trunks and for connection policies (R-BYOC-11).
 */
import { afterEach, describe, expect, it } from "vitest";
import { headerValue } from "../support/mass-calls.ts";
import { KINDS, type SelectionRig, SHARES, startSelection } from "../support/selection-rig.ts";
import { ownAddress } from "../support/sip-wire.ts";

const ADDRESSES = Array.from({ length: 6 }, (_, index) => ownAddress(index));
let rig: SelectionRig;
afterEach(() => rig.stop());

/** Uniform and even: each share of a run is within a fraction of a call of what it should be, whatever its length. */
function evenRandom(): () => number {
  const step = (Math.sqrt(5) - 1) / 2;
  let point = 0.5;
  return () => {
    point = (point + step) % 1;
    return point;
  };
}

const calls = (count: number, to: string, from = (_index: number) => "sip:+15550100200@caller.test") =>
  Array.from({ length: count }, (_, index) => ({ callId: `mass-${index}-${process.pid}`, to, from: from(index) }));

describe("weights", () => {
  it("R-ORIG-14: of 1000 calls the targets of weights 60, 20 and 20 get their shares, and the backup none", async () => {
    rig = await startSelection(ADDRESSES, () => 486, evenRandom());
    const statuses = await rig.caller.run(calls(1000, KINDS[0].to));
    expect(new Set(statuses)).toEqual(new Set([486]));
    const counts = rig.targets.map(({ callIds }) => callIds.length);
    expect(counts.reduce((sum, count) => sum + count)).toBe(1000);
    expect(counts[3]).toBe(0);
    for (const [index, { percent, tolerance }] of SHARES.entries())
      expect(Math.abs(counts[index]! / 10 - percent), `target ${index}: ${counts[index]}`).toBeLessThanOrEqual(
        tolerance,
      );
  });

  it.each(KINDS)(
    "R-ORIG-15, R-BYOC-11: $kind: the first down, the others share; all down, the next priority",
    async ({ to }) => {
      // The first one fails always, the other two for every fourth caller.
      const down = (invite: string) => /000@/.test(headerValue(invite, "From"));
      rig = await startSelection(ADDRESSES, (target, invite) => (target === 0 || down(invite) ? 500 : 486));
      const statuses = await rig.caller.run(
        calls(200, to, (index) => `sip:+1555010${index % 4 === 0 ? "4000" : "4001"}@caller.test`),
      );
      expect(new Set(statuses)).toEqual(new Set([486]));
      const [first, second, third, backup] = rig.targets;
      const fromDown = (list: readonly string[]) => list.filter(down).length;
      // Of the fifty that find all three down each target is asked once, and only then the backup.
      expect([first!, second!, third!, backup!].map(({ invites }) => fromDown(invites))).toEqual([50, 50, 50, 50]);
      expect(backup!.callIds).toHaveLength(50);
      // The other hundred and fifty end at the second or third, whether the first was asked before or not.
      const ends = [second!, third!].map(({ invites }) => invites.length - fromDown(invites));
      expect(ends[0]! + ends[1]!).toBe(150);
      // Half and half: five standard deviations of a fair coin.
      expect(Math.abs(ends[0]! - 75)).toBeLessThan(5 * Math.sqrt(150 / 4));
    },
  );
});

describe("every final status", () => {
  const ENDING = [400, 404, 405, 410, 416, 482, 484, 486];
  const codes = Array.from({ length: 400 }, (_, offset) => 300 + offset);

  it.each(KINDS)(
    "R-ORIG-18, R-ORIG-19, R-BYOC-11: $kind: 300 to 699 end the call or move on as listed",
    async ({ kind, to }) => {
      // The caller's number says what the first three answer.
      const wanted = (invite: string) => Number(/<sip:\+1555010(\d{3})@/.exec(headerValue(invite, "From"))![1]);
      rig = await startSelection(ADDRESSES, (_target, invite) => wanted(invite));
      const statuses = await rig.caller.run(
        calls(codes.length, to, (index) => `sip:+1555010${300 + index}@caller.test`),
      );
      const moved = new Set(rig.targets[3]!.invites.map(wanted));
      const asked = new Map<number, number>();
      for (const { invites } of rig.targets.slice(0, 3))
        for (const invite of invites) asked.set(wanted(invite), (asked.get(wanted(invite)) ?? 0) + 1);
      const isFollowed = (code: number) => code === 302 && kind === "origination URIs";
      for (const [index, code] of codes.entries()) {
        const ends = ENDING.includes(code) || code >= 600;
        // A 302 without a Contact that can be called ends an origination call (R-REDIR-10); carriers are not followed.
        const expected = isFollowed(code) ? { status: 480, asked: 1, moved: false } : undefined;
        expect({ code, status: statuses[index], asked: asked.get(code), moved: moved.has(code) }).toEqual({
          code,
          ...(expected ?? { status: ends ? code : 486, asked: ends ? 1 : 3, moved: !ends }),
        });
      }
    },
  );
});
