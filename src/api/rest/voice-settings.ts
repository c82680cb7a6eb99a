/** Insights v1 `/v1/Voice/Settings`: Voice Trace of an account or one of its sub-accounts (trunking-rest.md 9; R-COMP-2, R-COMP-6). */

import { isSid } from "../../base/ids.ts";
import type { Account, VoiceSettings } from "../../trunking/records.ts";
import { changed } from "./owned.ts";
import { badParameter, notFound } from "./rest-error.ts";
import { ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

const PATH = "/v1/Voice/Settings";

export function voiceSettingsRoutes(ctx: RestContext): RestRoute[] {
  const show = ({ base }: RestRequest, { accountSid, advancedFeatures, voiceTrace }: VoiceSettings): object => ({
    account_sid: accountSid,
    advanced_features: advancedFeatures,
    voice_trace: voiceTrace,
    no_audio_at_rest: ctx.noAudioAtRest,
    url: `${base}${PATH}`,
  });
  /** Those of the account, or of the sub-account that a parameter names. */
  const settingsOf = (request: RestRequest, subaccountSid: unknown): VoiceSettings => {
    const { sid } = subaccountSid === undefined ? request.account : subaccountOf(ctx, request, subaccountSid);
    const now = ctx.clock.wallTime().toISOString();
    return (
      ctx.store.get("voiceSettings", sid) ?? {
        sid,
        accountSid: sid,
        dateCreated: now,
        dateUpdated: now,
        advancedFeatures: false,
        voiceTrace: false,
      }
    );
  };

  return [
    {
      method: "GET",
      path: PATH,
      handle: (request) => ok(show(request, settingsOf(request, request.query["SubaccountSid"]))),
    },
    {
      method: "POST",
      path: PATH,
      handle: async (request) => {
        const { body } = request;
        const before = settingsOf(request, body.sid("SubaccountSid", "AC") ?? undefined);
        const voiceTrace = body.flag("VoiceTrace");
        if (voiceTrace === true && ctx.noAudioAtRest)
          throw badParameter("VoiceTrace", "compliance.noAudioAtRest is on: this gateway keeps no audio");
        const settings = changed(ctx, before, { voiceTrace, advancedFeatures: body.flag("AdvancedFeatures") });
        await ctx.store.apply([{ kind: "voiceSettings", put: settings }]);
        // Off means that nothing is left when this is answered (R-COMP-3).
        await ctx.audio.traces.settingsChanged();
        return ok(show(request, settings));
      },
    },
  ];
}

function subaccountOf(ctx: RestContext, { viewer }: RestRequest, sid: unknown): Account {
  if (typeof sid !== "string" || !isSid(sid, "AC")) throw badParameter("SubaccountSid", "AC and 32 hexadecimal digits");
  const found = ctx.store.get("accounts", sid);
  const isVisible = viewer === "operator" || viewer.has(sid);
  if (found === undefined || !isVisible) throw notFound(sid);
  return found;
}
