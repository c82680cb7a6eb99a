/**
 * Who asks by REST, and for which account: the one of the credentials, or one in the path that is below it (trunking-rest.md 1.12).
 * Accounts that are suspended read and do not write; API keys manage neither accounts nor keys.
 */

import type { FastifyReply, FastifyRequest } from "fastify";
import type { Viewer } from "../../calls/call-stories.ts";
import type { EdgeTable } from "../../trunking/edges.ts";
import type { Account } from "../../trunking/records.ts";
import type { HttpAuth } from "../auth.ts";
import { notFound, REST_CODES, RestError } from "./rest-error.ts";
import type { RestContext, RestRoute } from "./route.ts";

export interface Asker {
  readonly account: Account;
  readonly viewer: Viewer;
  /** Account of the credentials, undefined for the operator. */
  readonly askerSid: string | undefined;
  readonly edge: string | null;
}

/** What a route allows besides. */
export type RouteGuards = Pick<RestRoute, "noKeys" | "evenSuspended">;

/** @throws RestError 401, 403, 404 or 429 */
export function readAsker(
  ctx: RestContext,
  auth: HttpAuth,
  request: FastifyRequest,
  reply: FastifyReply,
  guards: RouteGuards,
): Asker {
  const hostEdge = edgeOfApiHost(request.host, ctx.baseDomain, ctx.edges);
  const verdict = auth.judge(request.headers.authorization, request.ip, hostEdge);
  if ("refused" in verdict) {
    if (verdict.refused === "too-many")
      throw new RestError(429, REST_CODES.tooMany, "too many wrong credentials from this address; wait a minute");
    reply.header("WWW-Authenticate", 'Basic realm="Twilio API"');
    throw new RestError(
      401,
      REST_CODES.unauthorized,
      "authenticate with account SID and auth token, or API key and secret (HTTP Basic)",
    );
  }
  const { viewer, accountSid: askerSid, key } = verdict;
  const { account: named } = request.params as { account?: string };
  const sid = named ?? askerSid;
  if (sid === undefined)
    throw new RestError(403, REST_CODES.forbidden, "the operator has no account here: use the credentials of one");
  const account = ctx.store.get("accounts", sid.slice(0, 2) + sid.slice(2).toLowerCase());
  const isVisible = account !== undefined && (viewer === "operator" || viewer.has(account.sid));
  if (!isVisible) throw notFound(`/Accounts/${sid.slice(0, 34)}`);
  if (key !== undefined && guards.noKeys === true)
    throw new RestError(403, REST_CODES.forbidden, "an API key manages neither accounts nor keys: use the auth token");
  if (request.method !== "GET") {
    const own = askerSid === undefined ? undefined : ctx.store.get("accounts", askerSid);
    const checked = guards.evenSuspended === true ? [own] : [own, account];
    for (const one of checked)
      if ((one?.status ?? "active") !== "active")
        throw new RestError(403, REST_CODES.suspended, `the account ${one!.sid} is ${one!.status}`);
  }
  return { account, viewer, askerSid, edge: hostEdge ?? key?.region ?? null };
}

/** `api.{region}.BASE` and `api.{edge}.{region}.BASE` name the edge of their region (R-EDGE-9); other hosts none. */
export function edgeOfApiHost(host: string, base: string, edges: EdgeTable): string | null {
  const name = host.toLowerCase().replace(/:[0-9]+$/, "");
  const suffix = `.${base.toLowerCase()}`;
  if (!name.endsWith(suffix)) return null;
  const [, ...places] = name.slice(0, -suffix.length).split(".");
  const region = places.length > 2 ? undefined : places.at(-1);
  return (region === undefined ? undefined : edges.resolve(region)) ?? null;
}
