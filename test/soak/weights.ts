/**
 * Shares by weight with real INVITEs and the randomness of the machine: `npm run soak:weights -- [calls]`, default 10,000 to
 * origination URIs and as many to the targets of a connection policy. Fails outside of the tolerances of R-ORIG-14, which are four
 * standard deviations at 10,000.
 */
import { firstShares, KINDS, SHARES, startSelection } from "../support/selection-rig.ts";

const count = Number(process.argv[2] ?? 10_000);
const ADDRESSES = [1, 2, 3, 4, 5, 6].map((host) => `127.77.40.${host}`);
let isOutside = false;

for (const { kind, to } of KINDS) {
  const rig = await startSelection(ADDRESSES, () => 486);
  const startedMs = performance.now();
  const calls = Array.from({ length: count }, (_, index) => ({
    callId: `weights-${index}-${process.pid}`,
    to,
    from: "sip:+15550100200@caller.test",
  }));
  const statuses = await rig.caller.run(calls);
  const seconds = (performance.now() - startedMs) / 1000;
  // A gateway that is short of something refuses before it selects: such calls are told, and count for no share.
  const selected = rig.targets.reduce((sum, { callIds }) => sum + callIds.length, 0);
  const shares = firstShares(rig.targets, selected);
  const others = statuses.filter((status) => status !== 486);
  const isFine =
    others.length <= count / 20 &&
    SHARES.every(({ percent, tolerance }, index) => Math.abs(shares[index]! - percent) <= tolerance);
  if (!isFine) isOutside = true;
  const text = shares.map((share) => `${share.toFixed(2)} %`).join(", ");
  const told = others.length === 0 ? "" : `; ${others.length} refused: ${[...new Set(others)].join(", ")}`;
  console.log(`${isFine ? "ok    " : "FAILED"} ${kind}: ${selected} in ${seconds.toFixed(1)} s: ${text}${told}`);
  if (told !== "")
    for (const line of rig.gateway.log.lines.filter((one) => /^(warn|error)/.test(one)).slice(-3)) console.log(line);
  await rig.stop();
}
process.exitCode = isOutside ? 1 : 0;
