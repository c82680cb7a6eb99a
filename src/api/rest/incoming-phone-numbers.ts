/** `…/IncomingPhoneNumbers` (trunking-rest.md 7.1; R-NUM-1 to R-NUM-7). */

import { newSid } from "../../base/ids.ts";
import type { Listing } from "../../store/store.ts";
import { isE164 } from "../../trunking/numbers.ts";
import type { PhoneNumber } from "../../trunking/records.ts";
import { readEchoed } from "./echoed.ts";
import { changed, listOf, namedBy, newBase, ownedBy } from "./owned.ts";
import { pageOf, readPageRequest } from "./paging.ts";
import { ECHOED, phoneNumberView } from "./phone-number-view.ts";
import { formattedNumber, rfc2822Date, uriList } from "./present.ts";
import { badParameter, conflict } from "./rest-error.ts";
import { ACCOUNT, created, deleted, ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

const PATH = `${ACCOUNT}/IncomingPhoneNumbers`;
const ONE = `${PATH}/:number(^PN[^./]+).json`;
/** A filter longer than any number asks for none. */
const FILTER_LENGTH_MAX = 64;

export function incomingPhoneNumberRoutes(ctx: RestContext): RestRoute[] {
  const uriOf = ({ account }: RestRequest): string => `/2010-04-01/Accounts/${account.sid}/IncomingPhoneNumbers`;
  const show = (_request: RestRequest, number: PhoneNumber): object => {
    const uri = `/2010-04-01/Accounts/${number.accountSid}/IncomingPhoneNumbers/${number.sid}`;
    const echoed = number.echoed ?? {};
    return {
      ...phoneNumberView(number),
      address_sid: echoed["address_sid"] ?? null,
      identity_sid: echoed["identity_sid"] ?? null,
      bundle_sid: echoed["bundle_sid"] ?? null,
      emergency_status: echoed["emergency_status"] ?? "Inactive",
      emergency_address_sid: echoed["emergency_address_sid"] ?? null,
      emergency_address_status: "unregistered",
      voice_receive_mode: echoed["voice_receive_mode"] ?? "voice",
      origin: "hosted",
      status: "in-use",
      type: "local",
      date_created: rfc2822Date(number.dateCreated),
      date_updated: rfc2822Date(number.dateUpdated),
      uri: `${uri}.json`,
      subresource_uris: {},
    };
  };
  const read = (request: RestRequest, before: PhoneNumber | undefined) => {
    const { body } = request;
    const trunkSid = body.sid("TrunkSid", "TK");
    if (trunkSid) namedBy(ctx, request, "trunks", "TrunkSid", trunkSid);
    const given = body.sid("VoiceApplicationSid", "AP");
    if (given) namedBy(ctx, request, "applications", "VoiceApplicationSid", given);
    return {
      friendlyName: body.text("FriendlyName", 64),
      // R-NUM-7: a number belongs to a trunk or to an application.
      trunkSid: trunkSid === undefined && given ? null : trunkSid,
      voiceApplicationSid: trunkSid ? null : given,
      voiceCallerIdLookup: body.flag("VoiceCallerIdLookup"),
      voiceUrl: body.url("VoiceUrl"),
      voiceMethod: body.method("VoiceMethod"),
      voiceFallbackUrl: body.url("VoiceFallbackUrl"),
      voiceFallbackMethod: body.method("VoiceFallbackMethod"),
      statusCallbackUrl: body.url("StatusCallback"),
      statusCallbackMethod: body.method("StatusCallbackMethod"),
      echoed: readEchoed(body, ECHOED, before?.echoed),
    };
  };
  const create = async (request: RestRequest) => {
    const { body } = request;
    if (body.has("AreaCode"))
      throw badParameter("AreaCode", "there is no stock of numbers to draw from: give PhoneNumber");
    const phoneNumber = body.required("PhoneNumber");
    if (!isE164(phoneNumber)) throw badParameter("PhoneNumber", "+ and 2 to 15 digits (E.164)");
    if (ctx.store.phoneNumber(phoneNumber) !== undefined) throw conflict(`${phoneNumber} exists already`);
    const fresh: PhoneNumber = {
      ...newBase(ctx, request, newSid("PN")),
      phoneNumber,
      friendlyName: formattedNumber(phoneNumber),
      trunkSid: null,
      voiceUrl: null,
      voiceMethod: "POST",
      voiceFallbackUrl: null,
      voiceFallbackMethod: "POST",
      statusCallbackUrl: null,
      statusCallbackMethod: "POST",
    };
    const number = changed(ctx, fresh, read(request, undefined));
    await ctx.store.apply([{ kind: "phoneNumbers", put: number }]);
    return created(show(request, number));
  };
  const list = (path: string) => (request: RestRequest) => {
    const rows = filtered(listOf(ctx, request, "phoneNumbers"), request.query);
    const page = pageOf(rows, readPageRequest(request.query));
    return ok(uriList("incoming_phone_numbers", `${uriOf(request)}${path}.json`, page, (one) => show(request, one)));
  };
  const numberOf = (request: RestRequest): PhoneNumber =>
    ownedBy(ctx, request, "phoneNumbers", request.path["number"]!);

  return [
    ...["", "/Local", "/Mobile", "/TollFree"].flatMap((path): RestRoute[] => [
      { method: "GET", path: `${PATH}${path}.json`, handle: list(path) },
      { method: "POST", path: `${PATH}${path}.json`, handle: create },
    ]),
    { method: "GET", path: ONE, handle: (request) => ok(show(request, numberOf(request))) },
    {
      method: "POST",
      path: ONE,
      handle: async (request) => {
        const before = numberOf(request);
        const number = moved(ctx, request, changed(ctx, before, read(request, before)));
        await ctx.store.apply([{ kind: "phoneNumbers", put: number }]);
        return ok(show(request, number));
      },
    },
    {
      method: "DELETE",
      path: ONE,
      handle: async (request) => {
        await ctx.store.apply([{ kind: "phoneNumbers", remove: numberOf(request).sid }]);
        return deleted;
      },
    },
  ];
}

/** `AccountSid` gives the number to another account; what it was tied to stays behind. */
function moved(ctx: RestContext, { body, viewer }: RestRequest, number: PhoneNumber): PhoneNumber {
  const sid = body.sid("AccountSid", "AC");
  if (!sid || sid === number.accountSid) return number;
  const account = ctx.store.get("accounts", sid);
  const isVisible = viewer === "operator" || viewer.has(sid);
  if (account === undefined || !isVisible || (account.status ?? "active") !== "active")
    throw badParameter("AccountSid", "neither the account of the credentials nor an active one below it");
  return { ...number, accountSid: sid, trunkSid: null, voiceApplicationSid: null };
}

/** `FriendlyName` whole, `PhoneNumber` in part with `*` for any digit. */
function filtered(numbers: Listing<PhoneNumber>, query: RestRequest["query"]): Listing<PhoneNumber> {
  const { FriendlyName: name, PhoneNumber: part } = query;
  const digits = typeof part === "string" ? part.slice(0, FILTER_LENGTH_MAX).replaceAll(/[^0-9*]/g, "") : "";
  const pattern = digits === "" ? undefined : new RegExp(digits.replaceAll("*", "[0-9]"));
  const isNamed = (number: PhoneNumber) => typeof name !== "string" || number.friendlyName === name;
  return numbers.filter((number) => isNamed(number) && (pattern === undefined || pattern.test(number.phoneNumber)));
}
