/** `…/Applications` (AP): voice URLs under one name, for numbers and calls (R-NUM-7). A number whose application goes has its own URLs again. */

import { newSid } from "../../base/ids.ts";
import type { Change } from "../../store/store.ts";
import type { Application } from "../../trunking/records.ts";
import { readEchoed } from "./echoed.ts";
import { changed, listOf, newBase, ownedBy } from "./owned.ts";
import { pageOf, readPageRequest } from "./paging.ts";
import { orNull, rfc2822Date, uriList } from "./present.ts";
import { REST_CODES, RestError } from "./rest-error.ts";
import { ACCOUNT, created, deleted, ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

const PATH = `${ACCOUNT}/Applications`;
const ONE = `${PATH}/:application(^[^./]+).json`;
const APPLICATIONS_MAX = 1000;

/** Of functions that the gateway does not have. */
const ECHOED: ReadonlyMap<string, string> = new Map([
  ["SmsUrl", "sms_url"],
  ["SmsMethod", "sms_method"],
  ["SmsFallbackUrl", "sms_fallback_url"],
  ["SmsFallbackMethod", "sms_fallback_method"],
  ["SmsStatusCallback", "sms_status_callback"],
  ["MessageStatusCallback", "message_status_callback"],
]);

export function applicationRoutes(ctx: RestContext): RestRoute[] {
  const uriOf = ({ account }: RestRequest): string => `/2010-04-01/Accounts/${account.sid}/Applications`;
  const show = (request: RestRequest, application: Application): object => {
    const echoed = application.echoed ?? {};
    return {
      sid: application.sid,
      account_sid: application.accountSid,
      api_version: "2010-04-01",
      friendly_name: orNull(application.friendlyName),
      voice_url: application.voiceUrl,
      voice_method: application.voiceMethod,
      voice_fallback_url: application.voiceFallbackUrl,
      voice_fallback_method: application.voiceFallbackMethod,
      voice_caller_id_lookup: application.voiceCallerIdLookup,
      status_callback: application.statusCallbackUrl,
      status_callback_method: application.statusCallbackMethod,
      sms_url: echoed["sms_url"] ?? null,
      sms_method: echoed["sms_method"] ?? "POST",
      sms_fallback_url: echoed["sms_fallback_url"] ?? null,
      sms_fallback_method: echoed["sms_fallback_method"] ?? "POST",
      sms_status_callback: echoed["sms_status_callback"] ?? null,
      message_status_callback: echoed["message_status_callback"] ?? null,
      public_application_connect_enabled: false,
      date_created: rfc2822Date(application.dateCreated),
      date_updated: rfc2822Date(application.dateUpdated),
      uri: `${uriOf(request)}/${application.sid}.json`,
    };
  };
  const read = ({ body }: RestRequest, before: Application | undefined) => ({
    friendlyName: body.text("FriendlyName", 64),
    voiceUrl: body.url("VoiceUrl"),
    voiceMethod: body.method("VoiceMethod"),
    voiceFallbackUrl: body.url("VoiceFallbackUrl"),
    voiceFallbackMethod: body.method("VoiceFallbackMethod"),
    voiceCallerIdLookup: body.flag("VoiceCallerIdLookup"),
    statusCallbackUrl: body.url("StatusCallback"),
    statusCallbackMethod: body.method("StatusCallbackMethod"),
    echoed: readEchoed(body, ECHOED, before?.echoed),
  });
  const applicationOf = (request: RestRequest): Application =>
    ownedBy(ctx, request, "applications", request.path["application"]!);

  return [
    {
      method: "GET",
      path: `${PATH}.json`,
      handle: (request) => {
        const { FriendlyName: name } = request.query;
        const all = listOf(ctx, request, "applications");
        const rows = typeof name === "string" ? all.filter(({ friendlyName }) => friendlyName === name) : all;
        const page = pageOf(rows, readPageRequest(request.query));
        return ok(uriList("applications", `${uriOf(request)}.json`, page, (one) => show(request, one)));
      },
    },
    {
      method: "POST",
      path: `${PATH}.json`,
      handle: async (request) => {
        if (ctx.store.countOf("applications", request.account.sid) >= APPLICATIONS_MAX)
          throw new RestError(400, REST_CODES.badParameter, `an account has at most ${APPLICATIONS_MAX} applications`);
        const fresh: Application = {
          ...newBase(ctx, request, newSid("AP")),
          friendlyName: "",
          voiceUrl: null,
          voiceMethod: "POST",
          voiceFallbackUrl: null,
          voiceFallbackMethod: "POST",
          statusCallbackUrl: null,
          statusCallbackMethod: "POST",
          voiceCallerIdLookup: false,
        };
        const application = changed(ctx, fresh, read(request, undefined));
        await ctx.store.apply([{ kind: "applications", put: application }]);
        return created(show(request, application));
      },
    },
    { method: "GET", path: ONE, handle: (request) => ok(show(request, applicationOf(request))) },
    {
      method: "POST",
      path: ONE,
      handle: async (request) => {
        const before = applicationOf(request);
        const application = changed(ctx, before, read(request, before));
        await ctx.store.apply([{ kind: "applications", put: application }]);
        return ok(show(request, application));
      },
    },
    {
      method: "DELETE",
      path: ONE,
      handle: async (request) => {
        const { sid } = applicationOf(request);
        const changes: Change[] = [{ kind: "applications", remove: sid }];
        for (const use of ctx.store.usesOf(sid))
          if (use.kind === "phoneNumbers")
            changes.push({ kind: "phoneNumbers", put: changed(ctx, use.record, { voiceApplicationSid: null }) });
        await ctx.store.apply(changes);
        return deleted;
      },
    },
  ];
}
