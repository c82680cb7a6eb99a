/** Calls of API 2010-04-01 (voice-rest.md 2). */

import {
  API_VERSION,
  COUNT,
  choice,
  coded,
  document,
  flag,
  integer,
  listed,
  method,
  NOTHING,
  oneOf,
  orNull,
  type ParameterTable,
  type ResourceDescription,
  RFC2822_DATE,
  RFC2822_DATES,
  required,
  type Schema,
  sid,
  sidOf,
  TEXT,
  text,
  url,
  view,
  words,
} from "./parts.ts";

const BASE = "/2010-04-01/Accounts/{account}";
const STATUSES = ["queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"];
const UNUSABLE = 20422;

const INSTRUCTIONS: ParameterTable = {
  Url: coded(21205, url("Where TwiML is fetched from.")),
  Method: coded(21209, method()),
  Twiml: coded(32018, document(4000, "In place of Url.")),
  FallbackUrl: coded(21205, url()),
  FallbackMethod: coded(21209, method()),
  StatusCallback: url("One that cannot be read costs the callbacks, not the call."),
  StatusCallbackMethod: coded(21209, method()),
  StatusCallbackEvent: coded(UNUSABLE, words(["initiated", "ringing", "answered", "completed"])),
  TimeLimit: integer(1, 86_400, "Seconds."),
};

const ORDER: ParameterTable = {
  To: coded(21211, required(text(1500, "A number in E.164 or a SIP URI."))),
  From: coded(21212, required(text(255, "A number of the account or a verified one; any text towards a SIP URI."))),
  ApplicationSid: coded(21218, sid("AP", "Its URLs count instead of all others.")),
  CallerId: coded(21212, text(255)),
  Byoc: coded(UNUSABLE, sid("BY", "Only with a number (R-BYOC-13).")),
  SipAuthUsername: coded(21221, text(255)),
  SipAuthPassword: coded(21221, text(255)),
  SendDigits: coded(21206, text(32, "0-9 A-D # * w W")),
  Timeout: coded(21208, integer(5, 600, "Seconds of ringing.")),
  Record: coded(UNUSABLE, flag()),
  RecordingChannels: coded(UNUSABLE, choice(["mono", "dual"])),
  RecordingTrack: coded(UNUSABLE, choice(["inbound", "outbound", "both"])),
  Trim: coded(UNUSABLE, choice(["trim-silence", "do-not-trim"])),
  ...INSTRUCTIONS,
};

const CALL_PROPERTIES: Readonly<Record<string, Schema>> = {
  sid: sidOf("CA"),
  ...RFC2822_DATES,
  parent_call_sid: orNull(sidOf("CA")),
  account_sid: sidOf("AC"),
  to: TEXT,
  to_formatted: TEXT,
  from: TEXT,
  from_formatted: TEXT,
  phone_number_sid: orNull(sidOf("PN")),
  status: oneOf(...STATUSES),
  start_time: orNull(RFC2822_DATE),
  end_time: orNull(RFC2822_DATE),
  duration: orNull(TEXT),
  price: NOTHING,
  price_unit: TEXT,
  direction: TEXT,
  answered_by: orNull(TEXT),
  api_version: API_VERSION,
  forwarded_from: orNull(TEXT),
  group_sid: NOTHING,
  caller_name: orNull(TEXT),
  queue_time: TEXT,
  trunk_sid: orNull(sidOf("TK")),
  uri: TEXT,
  subresource_uris: { type: "object", additionalProperties: TEXT },
};

export const CALLS: readonly ResourceDescription[] = [
  {
    name: "Call",
    about: "A call that is up or ended lately, one object a leg (voice-rest.md 2).",
    collection: `${BASE}/Calls.json`,
    item: `${BASE}/Calls/{call}.json`,
    key: "calls",
    filters: {
      To: text(300),
      From: text(300),
      ParentCallSid: text(300),
      Status: { kind: "choice", of: STATUSES },
      StartTime: text(300, "A date or time; the whole day of a date."),
      "StartTime<": text(300, "Before."),
      "StartTime>": text(300, "After."),
    },
    create: ORDER,
    update: { Status: coded(UNUSABLE, choice(["canceled", "completed"])), ...INSTRUCTIONS },
    remove: true,
    shows: view({
      ...CALL_PROPERTIES,
      attempts: listed(view({ target: TEXT, result: TEXT, status: orNull(COUNT), milliseconds: orNull(COUNT) })),
    }),
    rowShows: view(CALL_PROPERTIES),
  },
];
