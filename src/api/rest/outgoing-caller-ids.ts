/**
 * `…/OutgoingCallerIds`: numbers that are not ours and may be shown all the same (trunking-rest.md 7.2; R-CID-3, R-CID-4). They are
 * declared in the configuration file, or, with `verification.mode: trust`, added here on the account's word. No call asks for the code of
 * the answer: it is there because the client reads it.
 */

import { randomInt } from "node:crypto";
import { newSid } from "../../base/ids.ts";
import { isE164 } from "../../trunking/numbers.ts";
import type { OutgoingCallerId } from "../../trunking/records.ts";
import { changed, listOf, newBase, ownedBy } from "./owned.ts";
import { pageOf, readPageRequest } from "./paging.ts";
import { formattedNumber, rfc2822Date, uriList } from "./present.ts";
import { badParameter, conflict, REST_CODES, RestError } from "./rest-error.ts";
import { ACCOUNT, deleted, ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

const PATH = `${ACCOUNT}/OutgoingCallerIds`;
const ONE = `${PATH}/:id(^[^./]+).json`;

export function outgoingCallerIdRoutes(ctx: RestContext): RestRoute[] {
  const uriOf = ({ account }: RestRequest): string => `/2010-04-01/Accounts/${account.sid}/OutgoingCallerIds`;
  const show = (request: RestRequest, callerId: OutgoingCallerId): object => ({
    sid: callerId.sid,
    account_sid: callerId.accountSid,
    friendly_name: callerId.friendlyName,
    phone_number: callerId.phoneNumber,
    date_created: rfc2822Date(callerId.dateCreated),
    date_updated: rfc2822Date(callerId.dateUpdated),
    uri: `${uriOf(request)}/${callerId.sid}.json`,
  });
  const callerIdOf = (request: RestRequest): OutgoingCallerId =>
    ownedBy(ctx, request, "outgoingCallerIds", request.path["id"]!);

  return [
    {
      method: "GET",
      path: `${PATH}.json`,
      handle: (request) => {
        const { PhoneNumber: phoneNumber, FriendlyName: name } = request.query;
        const rows = listOf(ctx, request, "outgoingCallerIds").filter(
          (one) =>
            (typeof phoneNumber !== "string" || one.phoneNumber === phoneNumber) &&
            (typeof name !== "string" || one.friendlyName === name),
        );
        const page = pageOf(rows, readPageRequest(request.query));
        return ok(uriList("outgoing_caller_ids", `${uriOf(request)}.json`, page, (one) => show(request, one)));
      },
    },
    {
      method: "POST",
      path: `${PATH}.json`,
      handle: async (request) => {
        const { account, body } = request;
        const phoneNumber = body.required("PhoneNumber");
        if (!isE164(phoneNumber)) throw badParameter("PhoneNumber", "+ and 2 to 15 digits (E.164)");
        const friendlyName = body.text("FriendlyName", 64) || formattedNumber(phoneNumber);
        body.integer("CallDelay", 0, 60);
        body.text("Extension", 64);
        body.url("StatusCallback");
        body.method("StatusCallbackMethod");
        if (ctx.verification === "off")
          throw new RestError(
            403,
            REST_CODES.forbidden,
            "caller ids are not verified by calls: declare them in the configuration file, or set verification.mode to trust",
          );
        if (ctx.store.ownsCallerId(account.sid, phoneNumber))
          throw conflict(`${phoneNumber} is a caller id of the account already`);
        const put: OutgoingCallerId = { ...newBase(ctx, request, newSid("PN")), phoneNumber, friendlyName };
        await ctx.store.apply([{ kind: "outgoingCallerIds", put }]);
        return ok({
          account_sid: account.sid,
          call_sid: null,
          friendly_name: friendlyName,
          phone_number: phoneNumber,
          validation_code: String(randomInt(1_000_000)).padStart(6, "0"),
        });
      },
    },
    { method: "GET", path: ONE, handle: (request) => ok(show(request, callerIdOf(request))) },
    {
      method: "POST",
      path: ONE,
      handle: async (request) => {
        const put = changed(ctx, callerIdOf(request), { friendlyName: request.body.text("FriendlyName", 64) });
        await ctx.store.apply([{ kind: "outgoingCallerIds", put }]);
        return ok(show(request, put));
      },
    },
    {
      method: "DELETE",
      path: ONE,
      handle: async (request) => {
        await ctx.store.apply([{ kind: "outgoingCallerIds", remove: callerIdOf(request).sid }]);
        return deleted;
      },
    },
  ];
}
