/**
 * Alerts as the `twilio` client reads them: `/v1/Alerts` of Monitor, and `…/Calls/{CallSid}/Notifications` of 2010-04-01 (R-GEN-8,
 * voice-rest.md 2.6). They are kept in memory, newest first; those of no account are the operator's.
 */

import type { Alert } from "../../calls/alert-log.ts";
import { pageOf, readPageRequest, type Sortable } from "./paging.ts";
import { isoDate, metaList, rfc2822Date, uriList } from "./present.ts";
import { badParameter, notFound } from "./rest-error.ts";
import { ACCOUNT, ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

const LEVELS = ["error", "warning", "notice", "debug"];
const NOTIFICATIONS = `${ACCOUNT}/Calls/:call/Notifications`;

export function alertRoutes(ctx: RestContext): RestRoute[] {
  const ofAccount = ({ account }: RestRequest): Alert[] =>
    ctx.alerts.all().filter(({ accountSid }) => accountSid === account.sid);
  const ofCall = (request: RestRequest): Alert[] => {
    const { call } = request.path;
    if (ctx.calls.bySid(call!)?.details.accountSid !== request.account.sid) throw notFound(call!.slice(0, 40));
    return ofAccount(request).filter(({ callSid }) => callSid === call);
  };
  const uriOf = ({ account, path }: RestRequest): string =>
    `/2010-04-01/Accounts/${account.sid}/Calls/${path["call"]}/Notifications`;
  const named = (alerts: readonly Alert[], sid: string): Alert => {
    const alert = alerts.find((one) => one.sid === sid);
    if (alert === undefined) throw notFound(sid.slice(0, 40));
    return alert;
  };
  return [
    {
      method: "GET",
      path: "/v1/Alerts",
      handle: (request) => {
        const page = pageOf(ofAccount(request).filter(filterOf(request)).map(sortable), readPageRequest(request.query));
        const url = `${request.base}/v1/Alerts`;
        return ok(metaList("alerts", url, page, ({ alert }) => alertView(alert, url)));
      },
    },
    {
      method: "GET",
      path: "/v1/Alerts/:alert",
      handle: (request) => {
        const alert = named(ofAccount(request), request.path["alert"]!);
        return ok({
          ...alertView(alert, `${request.base}/v1/Alerts`),
          request_variables: "",
          response_body: null,
          response_headers: null,
          request_headers: null,
        });
      },
    },
    {
      method: "GET",
      path: `${NOTIFICATIONS}.json`,
      handle: (request) => {
        const page = pageOf(ofCall(request).map(sortable), readPageRequest(request.query));
        const uri = uriOf(request);
        return ok(uriList("notifications", `${uri}.json`, page, ({ alert }) => notificationView(alert, uri)));
      },
    },
    {
      method: "GET",
      path: `${NOTIFICATIONS}/:notification(^[^./]+).json`,
      handle: (request) => ok(notificationView(named(ofCall(request), request.path["notification"]!), uriOf(request))),
    },
  ];
}

function sortable(alert: Alert): Sortable & { readonly alert: Alert } {
  return { sid: alert.sid, dateCreated: alert.at.toISOString(), alert };
}

function filterOf({ query }: RestRequest): (alert: Alert) => boolean {
  const level = query["LogLevel"];
  if (level !== undefined && level !== "" && !LEVELS.includes(String(level)))
    throw badParameter("LogLevel", `one of ${LEVELS.join(", ")}`);
  const after = timeOf(query, "StartDate", 0);
  const before = timeOf(query, "EndDate", 1);
  return (alert) =>
    (level === undefined || level === "" || alert.level === level) &&
    (after === undefined || alert.at.getTime() >= after) &&
    (before === undefined || alert.at.getTime() <= before);
}

/** A date means the whole day: its beginning, or with `days` 1 its end. */
function timeOf(query: RestRequest["query"], name: string, days: number): number | undefined {
  const text = query[name];
  if (text === undefined || text === "") return undefined;
  const time = typeof text === "string" && /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw badParameter(name, "a date such as 2026-01-31, or a date and time of ISO 8601");
  // Dates of the client have no fractions of a second.
  return String(text).length === 10 ? time + days * 86_400_000 - days : time + days * 999;
}

function alertView(alert: Alert, url: string): object {
  const date = isoDate(alert.at.toISOString());
  return {
    sid: alert.sid,
    account_sid: alert.accountSid,
    alert_text: textOf(alert),
    api_version: "2010-04-01",
    date_created: date,
    date_generated: date,
    date_updated: date,
    error_code: String(alert.code),
    log_level: alert.level,
    more_info: moreInfo(alert),
    request_method: null,
    request_url: alert.url === "" ? null : alert.url,
    resource_sid: alert.callSid === "" ? null : alert.callSid,
    service_sid: null,
    // Of the gateway's own: who it was, and what was answered.
    remote: alert.remote === "" ? null : alert.remote,
    sip_status: alert.sipStatus === 0 ? null : alert.sipStatus,
    url: `${url}/${alert.sid}`,
  };
}

function notificationView(alert: Alert, uri: string): object {
  const date = rfc2822Date(alert.at.toISOString());
  return {
    sid: alert.sid,
    account_sid: alert.accountSid,
    api_version: "2010-04-01",
    call_sid: alert.callSid,
    date_created: date,
    date_updated: date,
    message_date: date,
    error_code: String(alert.code),
    log: alert.level === "error" ? "0" : "1",
    message_text: textOf(alert),
    more_info: moreInfo(alert),
    request_method: null,
    request_url: alert.url === "" ? null : alert.url,
    uri: `${uri}/${alert.sid}.json`,
  };
}

/** With the SIP status and the address, so that the cause can be found without a packet trace. */
function textOf({ text, sipStatus, remote }: Alert): string {
  const facts = [sipStatus === 0 ? "" : `SIP ${sipStatus}`, remote].filter((fact) => fact !== "");
  return facts.length === 0 ? text : `${text} (${facts.join(", ")})`;
}

function moreInfo({ code }: Alert): string {
  return `https://www.twilio.com/docs/errors/${code}`;
}
