/**
 * `…/Recordings`, `…/Calls/{CA}/Recordings` and the audio itself (voice-rest.md 3; R-REC-6). What is recorded is decided by trunks;
 * here it is listed, fetched and deleted.
 */

import type { Recording } from "../../trunking/records.ts";
import { readByteRange } from "./byte-range.ts";
import { listOf, ownedBy } from "./owned.ts";
import { pageOf, readPageRequest } from "./paging.ts";
import { rfc2822Date, uriList } from "./present.ts";
import { badParameter, conflict, notFound, REST_CODES, RestError } from "./rest-error.ts";
import { ACCOUNT, deleted, ok, type RestContext, type RestReply, type RestRequest, type RestRoute } from "./route.ts";

const PATH = `${ACCOUNT}/Recordings`;
const OF_CALL = `${ACCOUNT}/Calls/:call(^[^./]+)/Recordings`;
const SID = ":recording(^[^./]+)";

export function recordingRoutes(ctx: RestContext): RestRoute[] {
  const find = (request: RestRequest): Recording => {
    const recording = ownedBy(ctx, request, "recordings", request.path["recording"]!);
    const { call } = request.path;
    if (call !== undefined && recording.callSid !== call) throw notFound(recording.sid);
    return recording;
  };
  const list = (request: RestRequest): RestReply => {
    const rows = listOf(ctx, request, "recordings").filter(filterOf(request));
    const page = pageOf(rows, readPageRequest(request.query));
    return ok(uriList("recordings", `${listUri(request)}.json`, page, (recording) => show(request, recording)));
  };
  const remove = async (request: RestRequest): Promise<RestReply> => {
    const recording = find(request);
    if (recording.status === "in-progress") throw conflict(`${recording.sid} is in progress: it ends with its call`);
    try {
      await ctx.audio.recordings.remove(recording);
    } catch (error) {
      if (isOfFileSystem(error))
        throw new RestError(
          503,
          REST_CODES.unavailable,
          `nothing was changed: the file cannot be removed (${error.code})`,
        );
      throw error;
    }
    return deleted;
  };
  const download = (request: RestRequest): Promise<RestReply> => audioOf(ctx, request, find(request));
  return [
    ...[PATH, OF_CALL].flatMap((path): RestRoute[] => [
      { method: "GET", path: `${path}.json`, handle: list },
      { method: "GET", path: `${path}/${SID}.json`, handle: (request) => ok(show(request, find(request))) },
      { method: "DELETE", path: `${path}/${SID}.json`, handle: remove },
    ]),
    { method: "GET", path: `${PATH}/${SID}`, handle: download },
    { method: "GET", path: `${PATH}/${SID}.wav`, handle: download },
  ];
}

/** The file as it is: WAV, 8000 Hz, 16 bits. */
async function audioOf(ctx: RestContext, request: RestRequest, recording: Recording): Promise<RestReply> {
  const { accountSid, sid, status } = recording;
  const { files } = ctx.audio.recordings;
  const size = status === "completed" ? await files?.sizeOf(accountSid, sid) : undefined;
  if (files === undefined || size === undefined || size === 0) throw notFound(`${sid}.wav`);
  const range = readByteRange(request.range, size);
  const headers = {
    "Content-Type": "audio/x-wav",
    "Content-Disposition": `inline; filename="${sid}.wav"`,
    "Accept-Ranges": "bytes",
  };
  if (range === "unsatisfiable") {
    const { body } = new RestError(416, REST_CODES.badParameter, `Range: the file has ${size} octets`);
    return { status: 416, headers: { "Content-Range": `bytes */${size}` }, body };
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  const stream = files.read(accountSid, sid, start, end);
  const length = { "Content-Length": String(end - start + 1) };
  if (range === undefined) return { status: 200, headers: { ...headers, ...length }, stream };
  return { status: 206, headers: { ...headers, ...length, "Content-Range": `bytes ${start}-${end}/${size}` }, stream };
}

function filterOf({ path, query }: RestRequest): (recording: Recording) => boolean {
  const text = (name: string): string | undefined => {
    const value = query[name];
    if (value === undefined || value === "") return undefined;
    if (typeof value !== "string" || value.length > 64) throw badParameter(name, "one value");
    return value;
  };
  const callSid = path["call"] ?? text("CallSid");
  // There are no conferences: none has recordings.
  const conference = text("ConferenceSid");
  const after = timeOf("DateCreated", text("DateCreated>") ?? text("DateCreated"), 0);
  const before = timeOf("DateCreated", text("DateCreated<") ?? text("DateCreated"), 1);
  return (recording) =>
    conference === undefined &&
    (callSid === undefined || recording.callSid === callSid) &&
    (after === undefined || Date.parse(recording.dateCreated) >= after) &&
    (before === undefined || Date.parse(recording.dateCreated) <= before);
}

/** A date means the whole day: its beginning, or with `days` 1 its end. */
function timeOf(name: string, text: string | undefined, days: number): number | undefined {
  if (text === undefined) return undefined;
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw badParameter(name, "a date such as 2026-01-31, or a date and time of ISO 8601");
  return /^\d{4}-\d{2}-\d{2}$/.test(text) ? time + days * 86_400_000 - days : time;
}

function listUri({ account, path }: RestRequest): string {
  const base = `/2010-04-01/Accounts/${account.sid}`;
  return path["call"] === undefined ? `${base}/Recordings` : `${base}/Calls/${path["call"]}/Recordings`;
}

function show(request: RestRequest, recording: Recording): object {
  const { sid, accountSid, callSid, status, channels, durationMs } = recording;
  const uri = `/2010-04-01/Accounts/${accountSid}/Recordings/${sid}`;
  return {
    sid,
    account_sid: accountSid,
    api_version: "2010-04-01",
    call_sid: callSid,
    conference_sid: null,
    date_created: rfc2822Date(recording.dateCreated),
    date_updated: rfc2822Date(recording.dateUpdated),
    start_time: rfc2822Date(recording.startTime),
    duration: durationMs === null ? null : String(Math.round(durationMs / 1000)),
    channels,
    source: recording.source,
    status,
    price: null,
    price_unit: "USD",
    error_code: recording.errorCode,
    encryption_details: null,
    ...(request.path["call"] === undefined ? {} : { track: "both" }),
    uri: `${uri}.json`,
    subresource_uris: {},
    media_url: `${request.base}${uri}`,
  };
}

function isOfFileSystem(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}
