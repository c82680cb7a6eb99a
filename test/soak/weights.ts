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
  const shares = firstShares(rig.targets, count);
  const isFine =
    statuses.every((status) => status === 486) &&
    SHARES.every(({ percent, tolerance }, index) => Math.abs(shares[index]! - percent) <= tolerance);
  if (!isFine) isOutside = true;
  const text = shares.map((share) => `${share.toFixed(2)} %`).join(", ");
  console.log(`${isFine ? "ok    " : "FAILED"} ${kind}: ${count} calls in ${seconds.toFixed(1)} s: ${text}`);
  await rig.stop();
}
process.exitCode = isOutside ? 1 : 0;
