/**
 * `…/OutgoingCallerIds`: numbers that are not ours and may be shown all the same (trunking-rest.md 7.2; R-CID-3). They are declared
 * in the configuration file; to verify one by a call is not built yet, so POST on the list is refused.
 */

import type { OutgoingCallerId } from "../../trunking/records.ts";
import { changed, listOf, ownedBy } from "./owned.ts";
import { pageOf, readPageRequest } from "./paging.ts";
import { rfc2822Date, uriList } from "./present.ts";
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
