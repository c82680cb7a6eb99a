/**
 * `…/Calls`: calls that are up and those that ended lately, one object a leg (voice-rest.md 2; R-GEN-7, R-BYOC-13). Makes them,
 * shows them, changes what they run and ends them.
 */

import type { Call } from "../../calls/call.ts";
import { changeCall } from "./call-changes.ts";
import { readCallChange, readCallOrder } from "./call-orders.ts";
import { attemptsView, callView, statusOf } from "./call-view.ts";
import { pageOf, readPageRequest, type Sortable } from "./paging.ts";
import { uriList } from "./present.ts";
import { badParameter, notFound, REST_CODES, RestError } from "./rest-error.ts";
import { ACCOUNT, created, deleted, ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

const PATH = `${ACCOUNT}/Calls`;
const STATUSES = ["queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"];
const CALL = `${PATH}/:call(^[^./]+).json`;
const RUNNING = 20009;
const FILTER_LENGTH_MAX = 300;

export function callRoutes(ctx: RestContext): RestRoute[] {
  const uriOf = ({ account }: RestRequest): string => `/2010-04-01/Accounts/${account.sid}/Calls`;
  return [
    {
      method: "GET",
      path: `${PATH}.json`,
      handle: (request) => {
        const rows = [...callsOf(ctx, request)].filter(filterOf(request)).map(sortable);
        const page = pageOf(rows, readPageRequest(request.query));
        return ok(uriList("calls", `${uriOf(request)}.json`, page, ({ call }) => callView(call, uriOf(request))));
      },
    },
    {
      method: "POST",
      writesRecords: false,
      path: `${PATH}.json`,
      handle: (request) => {
        const order = readCallOrder(ctx, request);
        if (!ctx.voice.takesCalls())
          throw new RestError(503, REST_CODES.unavailable, "the gateway takes no more calls now");
        return created(callView(ctx.voice.place(order), uriOf(request)));
      },
    },
    {
      method: "GET",
      path: CALL,
      handle: (request) => {
        const call = namedCall(ctx, request);
        return ok({ ...callView(call, uriOf(request)), attempts: attemptsView(call) });
      },
    },
    {
      method: "POST",
      writesRecords: false,
      path: CALL,
      handle: async (request) => {
        const call = namedCall(ctx, request);
        const change = readCallChange(ctx, request);
        await changeCall(call, change);
        return ok(callView(call, uriOf(request)));
      },
    },
    {
      method: "DELETE",
      writesRecords: false,
      path: CALL,
      handle: (request) => {
        const call = namedCall(ctx, request);
        if (!call.ended) throw new RestError(409, RUNNING, "the call is still up: end it first with Status=completed");
        ctx.calls.forget(call);
        return deleted;
      },
    },
  ];
}

function namedCall({ calls }: RestContext, { path, account }: RestRequest): Call {
  const call = calls.bySid(path["call"]!);
  if (call === undefined || call.details.accountSid !== account.sid) throw notFound(path["call"]!.slice(0, 40));
  return call;
}

function* callsOf({ calls }: RestContext, { account }: RestRequest): Generator<Call> {
  for (const list of [calls.ended(), calls.live()])
    for (const call of list) if (call.details.accountSid === account.sid) yield call;
}

function sortable(call: Call): Sortable & { readonly call: Call } {
  return { sid: call.sid, dateCreated: call.createdAt.toISOString(), call };
}

function filterOf({ query }: RestRequest): (call: Call) => boolean {
  const text = (name: string): string | undefined => {
    const value = query[name];
    if (value === undefined || value === "") return undefined;
    if (typeof value !== "string" || value.length > FILTER_LENGTH_MAX) throw badParameter(name, "one value");
    return value;
  };
  const [to, from, parent, status] = [text("To"), text("From"), text("ParentCallSid"), text("Status")];
  if (status !== undefined && !STATUSES.includes(status)) throw badParameter("Status", `one of ${STATUSES.join(", ")}`);
  const after = dateOf(text("StartTime>") ?? text("StartTime"), "StartTime", 0);
  const before = dateOf(text("StartTime<") ?? text("StartTime"), "StartTime", 1);
  return (call) =>
    (to === undefined || call.details.to === to) &&
    (from === undefined || call.details.from === from) &&
    (parent === undefined || call.details.parentSid === parent) &&
    (status === undefined || statusOf(call) === status) &&
    (after === undefined || call.createdAt.getTime() >= after) &&
    (before === undefined || call.createdAt.getTime() <= before);
}

/** A date means the whole day: its beginning, or with `days` 1 its end. */
function dateOf(text: string | undefined, name: string, days: number): number | undefined {
  if (text === undefined) return undefined;
  const isDate = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw badParameter(name, "a date such as 2026-01-31, or a date and time of ISO 8601");
  return isDate ? time + days * 86_400_000 - days : time;
}
