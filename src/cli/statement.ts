/** `tandem statement`: what an auditor keeps of one call, asked of the running gateway. */

import { GatewayError } from "../base/errors.ts";
import { safeJson } from "../explain/safe-text.ts";
import { type CallStatement, renderStatement } from "../explain/statement.ts";
import { findAccess, getJson } from "./api-access.ts";
import type { Environment } from "./config-environment.ts";

export interface StatementOptions {
  readonly callSid: string;
  readonly json?: boolean;
  readonly config?: string;
  readonly account?: string;
  readonly url?: string;
}

/** @returns exit code */
export async function statement(
  options: StatementOptions,
  output: { readonly environment: Environment; readonly out: NodeJS.WritableStream },
): Promise<number> {
  const access = findAccess(options, output.environment);
  const answer = await getJson(access, `/v1/Explain/Calls/${encodeURIComponent(options.callSid)}/Statement`);
  const { legs, streams, stored } = answer as Partial<CallStatement>;
  if (!Array.isArray(legs) || !Array.isArray(streams) || !Array.isArray(stored))
    throw new GatewayError("API_ANSWER", "the answer is none of this version of tandem");
  output.out.write(options.json === true ? `${safeJson(answer)}\n` : renderStatement(answer as CallStatement));
  return 0;
}
