/** What a call shows (voice-rest.md 2.1). */

import type { Call } from "../../calls/call.ts";
import { attemptsOf } from "../../calls/call-attempts.ts";
import { rfc2822Date } from "./present.ts";

/** `initiated` is for callbacks only. */
export function statusOf({ status }: Call): string {
  return status === "initiated" ? "queued" : status;
}

/** @param uri - of the list that it stands in */
export function callView(call: Call, uri: string): object {
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
    subresource_uris: { notifications: `${uri}/${call.sid}/Notifications.json` },
  };
}

/** `(415) 555-0100` for the numbers of North America. */
function formatted(number: string): string {
  const parts = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(number);
  return parts === null ? number : `(${parts[1]}) ${parts[2]}-${parts[3]}`;
}

/** Each target that the leg tried, with its answer (R-ORIG-26); of the gateway's own. */
export function attemptsView(call: Call): object[] {
  return attemptsOf(call).map(({ target, result, status, ms }) => ({ target, result, status, milliseconds: ms }));
}
