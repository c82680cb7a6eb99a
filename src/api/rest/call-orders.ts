/** Requests to make or change a call, read and checked with the codes of voice-rest.md 1.1 before anything happens. */

import type { HttpMethod } from "../../base/http.ts";
import type { Destination } from "../../calls/outward-targets.ts";
import type { CallOrder, Handler, StatusCallbackAttributes, VoiceSource } from "../../calls/place-call.ts";
import { isE164 } from "../../trunking/numbers.ts";
import { readTargetUri } from "../../trunking/target-uri.ts";
import type { CallChange } from "./call-changes.ts";
import { namedBy } from "./owned.ts";
import { badParameter, REST_CODES, RestError } from "./rest-error.ts";
import type { RestContext, RestRequest } from "./route.ts";

type Event = StatusCallbackAttributes["events"][number];

/** Codes of voice-rest.md 1.1. */
const CODES = {
  badEdge: 21252,
  noTo: 21201,
  noFrom: 21213,
  badTo: 21211,
  badFrom: 21212,
  notOwned: 21210,
  badUrl: 21205,
  badDigits: 21206,
  badTimeout: 21208,
  badMethod: 21209,
  badApplication: 21218,
  noPassword: 21225,
  badCredentials: 21221,
  twimlTooLong: 32018,
  twimlIgnored: 32019,
  badCallback: 11100,
  notRecorded: 32230,
} as const;

const EVENTS: readonly Event[] = ["initiated", "ringing", "answered", "completed"];
const CALLER_LENGTH_MAX = 255;
const TWIML_LENGTH_MAX = 4000;
const TIME_LIMIT_SECONDS = 14_400;
const TIME_LIMIT_MAX = 86_400;

/** @throws RestError 400 */
export function readCallOrder(ctx: RestContext, request: RestRequest): CallOrder {
  const { body, account } = request;
  if (blank(request, "To")) throw badParameter("To", "a number or SIP URI is required", CODES.noTo);
  if (blank(request, "From")) throw badParameter("From", "the number that calls is required", CODES.noFrom);
  checkEdge(ctx, request);
  const destination = readDestination(ctx, request);
  const from = readCaller(ctx, request, destination, "From");
  const callerId = blank(request, "CallerId") ? from : readCaller(ctx, request, destination, "CallerId");
  checkRecording(ctx, request);
  const script = readApplication(ctx, request) ?? readScript(ctx, request);
  return {
    accountSid: account.sid,
    edge: request.edge,
    from,
    to: destination.kind === "number" ? destination.number : destination.uri.split("?")[0]!,
    destination,
    callerId: destination.kind === "sip" ? userOf(callerId) : callerId,
    ...script,
    sendDigits: readDigits(request),
    timeoutSeconds: coded(CODES.badTimeout, () => body.integer("Timeout", 5, 600)) ?? 60,
    timeLimitSeconds: body.integer("TimeLimit", 1, TIME_LIMIT_MAX) ?? TIME_LIMIT_SECONDS,
  };
}

/** @throws RestError 400 */
export function readCallChange(ctx: RestContext, request: RestRequest): CallChange {
  const { body } = request;
  const status = coded(REST_CODES.unusable, () => body.choice("Status", ["canceled", "completed"] as const));
  const source = readSource(ctx, request);
  const fallback = readHandler(request, "FallbackUrl", "FallbackMethod");
  return {
    status,
    next: source === undefined ? undefined : { source, fallback },
    timeLimitSeconds: body.integer("TimeLimit", 1, TIME_LIMIT_MAX),
    statusCallback: readStatusCallback(ctx, request),
  };
}

type Script = Pick<CallOrder, "source" | "fallback" | "statusCallback">;

/** Its URLs count instead of all others of the request (voice-rest.md 2.2). */
function readApplication(ctx: RestContext, request: RestRequest): Script | undefined {
  const { body } = request;
  const sid = coded(CODES.badApplication, () => body.sid("ApplicationSid", "AP")) ?? null;
  if (sid === null) return undefined;
  const application = coded(CODES.badApplication, () => namedBy(ctx, request, "applications", "ApplicationSid", sid));
  const { voiceUrl, voiceMethod, voiceFallbackUrl, voiceFallbackMethod } = application;
  if (voiceUrl === null) throw badParameter("ApplicationSid", `${sid} has no voice URL`, CODES.badApplication);
  return {
    source: { url: voiceUrl, method: voiceMethod },
    fallback: voiceFallbackUrl === null ? undefined : { url: voiceFallbackUrl, method: voiceFallbackMethod },
    statusCallback: {
      url: application.statusCallbackUrl,
      method: application.statusCallbackMethod,
      events: ["completed"],
    },
  };
}

function readScript(ctx: RestContext, request: RestRequest): Script {
  const source = readSource(ctx, request);
  if (source === undefined) throw badParameter("Url", "one of Url, Twiml and ApplicationSid is required", CODES.badUrl);
  return {
    source,
    fallback: readHandler(request, "FallbackUrl", "FallbackMethod"),
    statusCallback: { url: null, method: "POST", events: ["completed"], ...readStatusCallback(ctx, request) },
  };
}

function blank({ body }: RestRequest, name: string): boolean {
  return (body.raw(name) ?? "") === "";
}

/** The code of the catalogue in place of the general one. */
function coded<T>(code: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RestError) throw new RestError(error.status, code, error.message);
    throw error;
  }
}

function readDestination(ctx: RestContext, request: RestRequest): Destination {
  const { body } = request;
  const to = coded(CODES.badTo, () => body.text("To", 1500))!;
  if (/^client:/i.test(to))
    throw badParameter(
      "To",
      "client: names a browser or app of another service, which the gateway has not",
      CODES.badTo,
    );
  if (/^sips?:/i.test(to)) {
    const reading = readTargetUri(to, ctx.edges);
    if ("problem" in reading) throw badParameter("To", reading.problem, CODES.badTo);
    return { kind: "sip", uri: to, credentials: readCredentials(request) };
  }
  if (!isE164(to)) throw badParameter("To", "a number in E.164 form (+14155550100) or a SIP URI", CODES.badTo);
  // Only meaningful with a number (R-BYOC-13).
  const byoc = coded(REST_CODES.unusable, () => body.sid("Byoc", "BY")) ?? null;
  if (byoc !== null) coded(REST_CODES.unusable, () => namedBy(ctx, request, "byocTrunks", "Byoc", byoc));
  return { kind: "number", number: to, byoc };
}

/** Of a number: one of the account's, or a verified one (R-CID-3); a SIP URI is shown any text. */
function readCaller(ctx: RestContext, request: RestRequest, to: Destination, name: "From" | "CallerId"): string {
  const { account, body } = request;
  const caller = coded(CODES.badFrom, () => body.text(name, CALLER_LENGTH_MAX))!;
  if (to.kind === "sip") return caller;
  if (!isE164(caller)) throw badParameter(name, "a number in E.164 form (+14155550100)", CODES.badFrom);
  if (!ctx.store.ownsCallerId(account.sid, caller))
    throw badParameter(name, `${caller} is neither a number of the account nor verified`, CODES.notOwned);
  return caller;
}

/** The user of a caller that is given as a SIP URI; else the text itself. */
function userOf(caller: string): string {
  return /^sips?:([^@;?]+)@/i.exec(caller)?.[1] ?? caller;
}

function readCredentials({ body }: RestRequest): { username: string; password: string } | undefined {
  const read = (name: string): string => coded(CODES.badCredentials, () => body.text(name, 255)) ?? "";
  const username = read("SipAuthUsername");
  const password = read("SipAuthPassword");
  if (username === "") return undefined;
  if (password === "") throw badParameter("SipAuthPassword", "a user name needs its password", CODES.noPassword);
  return { username, password };
}

/** Undefined when neither a URL nor a document is given. */
function readSource(ctx: RestContext, request: RestRequest): VoiceSource | undefined {
  const { body, account } = request;
  const handler = readHandler(request, "Url", "Method");
  const twiml = body.raw("Twiml");
  if (twiml !== undefined && twiml.length > TWIML_LENGTH_MAX)
    throw badParameter("Twiml", `at most ${TWIML_LENGTH_MAX} characters`, CODES.twimlTooLong);
  if (handler === undefined) return twiml === undefined || twiml === "" ? undefined : { twiml };
  if (twiml !== undefined)
    ctx.alerts.raise({
      code: CODES.twimlIgnored,
      level: "warning",
      text: "Twiml is ignored, since Url is given",
      accountSid: account.sid,
    });
  return handler;
}

function readHandler({ body }: RestRequest, urlName: string, methodName: string): Handler | undefined {
  const method = readMethod(body, methodName);
  const url = coded(CODES.badUrl, () => body.url(urlName)) ?? null;
  return url === null ? undefined : { url, method: method ?? "POST" };
}

function readMethod(body: RestRequest["body"], name: string): HttpMethod | undefined {
  return coded(CODES.badMethod, () => body.method(name));
}

/** A URL that cannot be one costs the callbacks, not the call (voice-rest.md 1.1). */
function readStatusCallback(ctx: RestContext, request: RestRequest): Partial<StatusCallbackAttributes> | undefined {
  const { body, account } = request;
  const method = readMethod(body, "StatusCallbackMethod");
  const events = readEvents(request);
  let url: string | null | undefined;
  try {
    url = body.url("StatusCallback");
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    ctx.alerts.raise({ code: CODES.badCallback, level: "warning", text: error.message, accountSid: account.sid });
  }
  if (url === undefined && method === undefined && events === undefined) return undefined;
  return {
    ...(url === undefined ? {} : { url }),
    ...(method === undefined ? {} : { method }),
    ...(events === undefined ? {} : { events }),
  };
}

function readEvents({ body }: RestRequest): readonly Event[] | undefined {
  const given = body.every("StatusCallbackEvent");
  if (given === undefined) return undefined;
  return given.map((one) => {
    const event = EVENTS.find((name) => name === one);
    if (event === undefined)
      throw badParameter("StatusCallbackEvent", `some of ${EVENTS.join(", ")}`, REST_CODES.unusable);
    return event;
  });
}

function readDigits({ body }: RestRequest): string {
  const digits = coded(CODES.badDigits, () => body.text("SendDigits", 32)) ?? "";
  if (!/^[0-9A-D#*wW]*$/.test(digits)) throw badParameter("SendDigits", "only 0-9 A-D # * w W", CODES.badDigits);
  return digits;
}

/** Only calls of trunks are recorded: who asks for more is told, and a gateway that keeps no audio refuses (R-COMP-6). */
function checkRecording(ctx: RestContext, { account, body }: RestRequest): void {
  coded(REST_CODES.unusable, () => {
    const isRecorded = body.flag("Record");
    if (isRecorded === true && ctx.noAudioAtRest)
      throw badParameter("Record", "compliance.noAudioAtRest is on: this gateway keeps no audio");
    body.choice("RecordingChannels", ["mono", "dual"]);
    body.choice("RecordingTrack", ["inbound", "outbound", "both"]);
    body.choice("Trim", ["trim-silence", "do-not-trim"]);
    if (isRecorded === true)
      ctx.alerts.raise({
        code: CODES.notRecorded,
        level: "warning",
        text: "Record=true has no effect on a call that REST creates: only calls of trunks are recorded",
        accountSid: account.sid,
      });
  });
}

/** R-EDGE-9: a call that was asked for at a regional host begins in that region or not at all. */
function checkEdge({ edgeDirectory }: RestContext, { edge }: RestRequest): void {
  if (edge === null) return;
  if (!edgeDirectory.isServed(edge))
    throw new RestError(400, CODES.badEdge, `no edge ${edge} is served here: use another API host`);
  const problem = edgeDirectory.startProblem(edge);
  if (problem !== undefined) throw new RestError(503, REST_CODES.unavailable, problem);
}
