/** `tandem explain`: asks the running gateway what it remembers of a call, and prints the story for people or for machines. */

import { GatewayError } from "../base/errors.ts";
import { renderList, renderReport } from "../explain/render.ts";
import { safeJson, safeText } from "../explain/safe-text.ts";
import type { CallReport, CallSummary } from "../explain/types.ts";
import { type ApiAccess, findAccess, getJson } from "./api-access.ts";
import type { Environment } from "./config-environment.ts";

export interface ExplainOptions {
  readonly id?: string | undefined;
  readonly last?: boolean;
  readonly failed?: boolean;
  readonly callId?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
  readonly full?: boolean;
  readonly json?: boolean;
  readonly width?: number;
  readonly config?: string;
  readonly account?: string;
  readonly url?: string;
}

/** Where the text goes; a terminal gets colours unless NO_COLOR says otherwise (no-color.org). */
export interface ExplainOutput {
  readonly environment: Environment;
  readonly out: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly err: NodeJS.WritableStream;
}

const WIDTH_DEFAULT = 80;
const WIDTH_MIN = 60;
const WIDTH_MAX = 120;

export const EXPLAIN_HELP = `
Calls that failed come first. Who asks is told by TANDEM_ACCOUNT_SID and TANDEM_AUTH_TOKEN, or by -c FILE (or TANDEM_CONFIG):
the operator key shows all calls, an account its own. Nothing is stored: the gateway remembers recent calls in memory.

  tandem explain -c tandem.yaml                       recent calls, failed ones first
  tandem explain -c tandem.yaml CA0123…               the story of one
  tandem explain -c tandem.yaml --last --failed       the newest that failed
  tandem explain -c tandem.yaml --from 192.0.2.7      calls of that address, also those that were turned away
`;

/** @returns exit code */
export async function explain(options: ExplainOptions, output: ExplainOutput): Promise<number> {
  const access = findAccess(options, output.environment);
  warnOfPlainHttp(access, output.err);
  const id = options.id ?? options.callId ?? (options.last === true ? await newest(access, options) : undefined);
  if (id !== undefined) {
    const full = options.full === true ? "?Full=true" : "";
    const report = readReport(await getJson(access, `/v1/Explain/Calls/${encodeURIComponent(id)}${full}`));
    print(options, output, report, (width, colour) =>
      renderReport(report, { width, colour, full: options.full === true }),
    );
    return 0;
  }
  const calls = await list(access, options, "failed", options.limit);
  print(options, output, { calls }, (width, colour) => renderList(calls, { width, colour }));
  return 0;
}

async function newest(access: ApiAccess, options: ExplainOptions): Promise<string> {
  const [call] = await list(access, options, "time", 1);
  if (call === undefined) throw new GatewayError("API_ANSWER", "no call is remembered that fits");
  return call.id;
}

async function list(
  access: ApiAccess,
  { failed, from, to }: ExplainOptions,
  order: "failed" | "time",
  limit: number,
): Promise<readonly CallSummary[]> {
  const query = new URLSearchParams({ Order: order, Limit: String(limit) });
  if (failed === true) query.set("Status", "failed");
  if (from !== undefined) query.set("From", from);
  if (to !== undefined) query.set("To", to);
  const { calls } = (await getJson(access, `/v1/Explain/Calls?${query}`)) as { calls?: unknown };
  if (!Array.isArray(calls)) throw notOurs(access);
  return calls as CallSummary[];
}

function readReport(answer: unknown): CallReport {
  const { call, steps, messages, diagnosis } = answer as Partial<CallReport>;
  if (call === undefined || diagnosis === undefined || !Array.isArray(steps) || !Array.isArray(messages))
    throw new GatewayError("API_ANSWER", "the answer is none of this version of tandem");
  return answer as CallReport;
}

function notOurs({ url }: ApiAccess): GatewayError {
  return new GatewayError("API_ANSWER", `${url} answers with something else than a list of calls: look at --url`);
}

function print(
  { json, width }: ExplainOptions,
  { out, environment }: ExplainOutput,
  data: unknown,
  text: (width: number, colour: boolean) => string,
): void {
  if (json === true) {
    out.write(`${safeJson(data)}\n`);
    return;
  }
  const isTerminal = out.isTTY === true;
  const colour = isTerminal && (environment["NO_COLOR"] ?? "") === "" && environment["TERM"] !== "dumb";
  const own = isTerminal ? Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, out.columns ?? WIDTH_DEFAULT)) : WIDTH_DEFAULT;
  out.write(text(width ?? own, colour));
}

/** The token would be readable on the way. */
function warnOfPlainHttp({ url }: ApiAccess, err: NodeJS.WritableStream): void {
  const { protocol, hostname } = new URL(url);
  const isHere = hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
  if (protocol === "http:" && !isHere)
    err.write(`tandem: warning: credentials go to ${safeText(hostname)} without encryption; use https or a tunnel\n`);
}
