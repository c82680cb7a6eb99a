/**
 * `npm run soak:srtp`: 100,000 packets each way between Tandem and libsrtp, with both crypto suites, over three wraps of
 * the sequence number and a bad network. Leaves with 1 when the two differ in an octet or a verdict, 2 when libsrtp
 * cannot be had.
 */
import { prepareLibsrtp } from "../support/libsrtp-peer.ts";
import { SrtpBench } from "../support/srtp-bench.ts";
import { exchange } from "../support/srtp-exchange.ts";
import { loadWasm } from "../support/wasm.ts";

const missing = prepareLibsrtp();
if (missing !== undefined) {
  console.error(`libsrtp is needed: ${missing}`);
  process.exit(2);
}
const seed = Number(process.argv[2] ?? 1);
for (const tagBytes of [10, 4] as const) {
  const report = exchange(new SrtpBench(loadWasm()), { tagBytes, packets: 100_000, wraps: 3, seed });
  console.log(`AES_CM_128_HMAC_SHA1_${8 * tagBytes}, seed ${seed}: equal`, report);
}
