/** Recordings of API 2010-04-01 (voice-rest.md 3). */

import {
  API_VERSION,
  NOTHING,
  oneOf,
  orNull,
  type ParameterTable,
  type ResourceDescription,
  RFC2822_DATE,
  type Schema,
  sidOf,
  TEXT,
  text,
  view,
} from "./parts.ts";

const BASE = "/2010-04-01/Accounts/{account}";

const RECORDING: Readonly<Record<string, Schema>> = {
  sid: sidOf("RE"),
  account_sid: sidOf("AC"),
  api_version: API_VERSION,
  call_sid: orNull(sidOf("CA")),
  conference_sid: NOTHING,
  date_created: RFC2822_DATE,
  date_updated: RFC2822_DATE,
  start_time: RFC2822_DATE,
  duration: orNull(TEXT),
  channels: oneOf(1, 2),
  source: oneOf("Trunking"),
  status: oneOf("in-progress", "completed", "failed", "absent"),
  price: NOTHING,
  price_unit: TEXT,
  error_code: { type: ["integer", "null"] },
  encryption_details: NOTHING,
  uri: TEXT,
  subresource_uris: { type: "object", additionalProperties: TEXT },
  media_url: TEXT,
};

const DATES: ParameterTable = {
  DateCreated: text(64, "A date or time; the whole day of a date."),
  "DateCreated<": text(64, "Before."),
  "DateCreated>": text(64, "After."),
};

/** Octets, not JSON. */
const AUDIO: Schema = { type: "string", contentMediaType: "audio/x-wav" };

export const RECORDINGS: readonly ResourceDescription[] = [
  {
    name: "Recording",
    about: "The audio of a call of a trunk that records (R-REC-6).",
    collection: `${BASE}/Recordings.json`,
    item: `${BASE}/Recordings/{recording}.json`,
    key: "recordings",
    filters: { ...DATES, CallSid: text(64), ConferenceSid: text(64) },
    remove: true,
    shows: view(RECORDING),
  },
  {
    name: "Recording of a call",
    about: "The same recordings under the call that they began with.",
    collection: `${BASE}/Calls/{call}/Recordings.json`,
    item: `${BASE}/Calls/{call}/Recordings/{recording}.json`,
    key: "recordings",
    filters: { ...DATES, CallSid: text(64), ConferenceSid: text(64) },
    remove: true,
    shows: view({ ...RECORDING, track: oneOf("both") }),
  },
  {
    name: "Audio of a recording",
    about: "WAV, 8000 Hz, 16 bits; takes Range.",
    item: `${BASE}/Recordings/{recording}`,
    shows: AUDIO,
  },
  {
    name: "Audio of a recording, by its extension",
    about: "As without.",
    item: `${BASE}/Recordings/{recording}.wav`,
    shows: AUDIO,
  },
];
