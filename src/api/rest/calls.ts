/**
 * `…/Calls`, the side that reads: calls that are up and those that ended lately, one object a leg (voice-rest.md 2.1, 2.3;
 * R-GEN-10). Nothing is made or changed by it.
 */

import type { Call } from "../../calls/call.ts";
import { pageOf, readPageRequest, type Sortable } from "./paging.ts";
import { rfc2822Date, uriList } from "./present.ts";
import { badParameter, notFound } from "./rest-error.ts";
import { ACCOUNT, ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

const PATH = `${ACCOUNT}/Calls`;
const STATUSES = ["queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"];
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
        return ok(uriList("calls", `${uriOf(request)}.json`, page, ({ call }) => show(call, uriOf(request))));
      },
    },
    {
      method: "GET",
      path: `${PATH}/:call(^[^./]+).json`,
      handle: (request) => {
        const call = ctx.calls.bySid(request.path["call"]!);
        if (call === undefined || call.details.accountSid !== request.account.sid)
          throw notFound(request.path["call"]!.slice(0, 40));
        return ok(show(call, uriOf(request)));
      },
    },
  ];
}

function* callsOf({ calls }: RestContext, { account }: RestRequest): Generator<Call> {
  for (const list of [calls.ended(), calls.live()])
    for (const call of list) if (call.details.accountSid === account.sid) yield call;
}

function sortable(call: Call): Sortable & { readonly call: Call } {
  return { sid: call.sid, dateCreated: call.createdAt.toISOString(), call };
}

/** `initiated` is for callbacks only. */
function statusOf({ status }: Call): string {
  return status === "initiated" ? "queued" : status;
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

function show(call: Call, uri: string): object {
  const { details } = call;
  const isUnanswered = call.ended && call.answeredAt === undefined;
  return {
    sid: call.sid,
    date_created: rfc2822Date(call.createdAt.toISOString()),
    date_updated: rfc2822Date((call.endedAt ?? call.answeredAt ?? call.createdAt).toISOString()),
    parent_call_sid: details.parentSid ?? null,
    account_sid: details.accountSid,
    to: details.to,
    to_formatted: formatted(details.to),
    from: details.from,
    from_formatted: formatted(details.from),
    phone_number_sid: null,
    status: statusOf(call),
    start_time: rfc2822Date(call.createdAt.toISOString()),
    end_time: call.endedAt === undefined ? null : rfc2822Date(call.endedAt.toISOString()),
    duration: call.ended ? String(isUnanswered ? 0 : call.durationSeconds) : null,
    price: null,
    price_unit: "USD",
    direction: details.direction,
    answered_by: null,
    api_version: "2010-04-01",
    forwarded_from: null,
    group_sid: null,
    caller_name: null,
    queue_time: "0",
    trunk_sid: details.trunkSid ?? null,
    uri: `${uri}/${call.sid}.json`,
    subresource_uris: {},
  };
}

/** `(415) 555-0100` for the numbers of North America. */
function formatted(number: string): string {
  const parts = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(number);
  return parts === null ? number : `(${parts[1]}) ${parts[2]}-${parts[3]}`;
}
