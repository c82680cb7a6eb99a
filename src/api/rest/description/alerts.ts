/** Alerts of Monitor v1 and of calls, and the usage of trunks (R-GEN-8, R-GEN-11, voice-rest.md 2.6). */

import {
  API_VERSION,
  COUNT,
  choice,
  ISO_DATE,
  NOTHING,
  oneOf,
  orNull,
  type ResourceDescription,
  RFC2822_DATE,
  type Schema,
  sidOf,
  TEXT,
  text,
  view,
} from "./parts.ts";

const LEVELS = ["error", "warning", "notice", "debug"];
const CALL = "/2010-04-01/Accounts/{account}/Calls/{call}";

const ALERT: Readonly<Record<string, Schema>> = {
  sid: sidOf("NO"),
  account_sid: sidOf("AC"),
  alert_text: TEXT,
  api_version: API_VERSION,
  date_created: ISO_DATE,
  date_generated: ISO_DATE,
  date_updated: ISO_DATE,
  error_code: TEXT,
  log_level: oneOf(...LEVELS),
  more_info: TEXT,
  request_method: NOTHING,
  request_url: orNull(TEXT),
  resource_sid: orNull(TEXT),
  service_sid: NOTHING,
  remote: orNull(TEXT),
  sip_status: { type: ["integer", "null"] },
  url: TEXT,
};

const usage = (path: string, prefix: string, name: string): ResourceDescription => ({
  name: `Usage of a ${name}`,
  about: "What a trunk was used for since the start; of the gateway's own.",
  item: `/v1/${path}/{trunk}/Usage`,
  shows: view({
    trunk_sid: sidOf(prefix),
    account_sid: sidOf("AC"),
    calls: COUNT,
    answered: COUNT,
    minutes: COUNT,
    seconds: COUNT,
    lookups: COUNT,
    recordings: COUNT,
    transfers: COUNT,
    disaster_recoveries: COUNT,
  }),
});

export const ALERTS: readonly ResourceDescription[] = [
  {
    name: "Alert",
    about: "Why a call was refused or failed (R-GEN-8); kept in memory.",
    collection: "/v1/Alerts",
    item: "/v1/Alerts/{alert}",
    key: "alerts",
    filters: {
      LogLevel: choice(LEVELS),
      StartDate: text(64, "A date or time; the whole day of a date."),
      EndDate: text(64, "A date or time; the whole day of a date."),
    },
    shows: view({
      ...ALERT,
      request_variables: TEXT,
      response_body: NOTHING,
      response_headers: NOTHING,
      request_headers: NOTHING,
    }),
    rowShows: view(ALERT),
  },
  {
    name: "Notification",
    about: "An alert of a call.",
    collection: `${CALL}/Notifications.json`,
    item: `${CALL}/Notifications/{notification}.json`,
    key: "notifications",
    shows: view({
      sid: sidOf("NO"),
      account_sid: sidOf("AC"),
      api_version: API_VERSION,
      call_sid: TEXT,
      date_created: RFC2822_DATE,
      date_updated: RFC2822_DATE,
      message_date: RFC2822_DATE,
      error_code: TEXT,
      log: oneOf("0", "1"),
      message_text: TEXT,
      more_info: TEXT,
      request_method: NOTHING,
      request_url: orNull(TEXT),
      uri: TEXT,
    }),
  },
  usage("Trunks", "TK", "trunk"),
  usage("ByocTrunks", "BY", "BYOC trunk"),
];
