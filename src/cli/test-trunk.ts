/** `tandem test-trunk`: has the running gateway call a number of a trunk, and prints which origination URI answered how (R-GEN-9). */

import { GatewayError } from "../base/errors.ts";
import { safeJson, safeText } from "../explain/safe-text.ts";
import { findAccess, postJson } from "./api-access.ts";
import type { ExplainOutput } from "./explain.ts";

export interface TestTrunkOptions {
  readonly trunk: string;
  readonly number?: string;
  readonly ring: number;
  readonly json?: boolean;
  readonly config?: string;
  readonly account?: string;
  readonly url?: string;
}

export const TEST_TRUNK_HELP = `
TRUNK is a SID, a friendly name or the first part of the domain. A number of the trunk is called over its origination URIs, just as
a carrier would deliver a call to it. Who answers is hung up at once. The exit code is 0 when somebody answered or rang.

  tandem test-trunk -c tandem.yaml office
  tandem test-trunk -c tandem.yaml TK0123… --number +15550300001
`;

/** Silence of all targets in sum, and the time around it. */
const PATIENCE_MS = 60_000;

interface Attempt {
  readonly target: string;
  readonly result: string;
  readonly status: number | null;
  readonly ms: number;
}

/** @returns exit code: 0 when a telephone answered or rang */
export async function testTrunk(options: TestTrunkOptions, { environment, out }: ExplainOutput): Promise<number> {
  const access = findAccess(options, environment);
  const { trunk, number, ring } = options;
  const question = { trunk, ringSeconds: ring, ...(number === undefined ? {} : { number }) };
  const answer = (await postJson(access, "/v1/TrunkTests", question, ring * 1000 + PATIENCE_MS)) as {
    result?: string;
    text?: string;
    number?: string;
    callSid?: string;
    attempts?: readonly Attempt[];
  };
  const { result, text = "", callSid = "", attempts = [] } = answer;
  if (result === undefined) throw new GatewayError("API_ANSWER", "the answer is none of this version of tandem");
  if (options.json === true) out.write(`${safeJson(answer)}\n`);
  else {
    out.write(`${result}: ${safeText(text)}\n`);
    out.write(`number ${safeText(answer.number ?? "")}, call ${safeText(callSid)}\n`);
    for (const { target, result: how, status, ms } of attempts)
      out.write(`  ${safeText(target)}  ${status ?? safeText(how)}  after ${ms} ms\n`);
  }
  return result === "failed" ? 1 : 0;
}
