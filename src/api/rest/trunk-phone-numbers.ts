/** `/v1/Trunks/{TK}/PhoneNumbers` (trunking-rest.md 4.3; R-NUM-1 to R-NUM-3). */

import type { PhoneNumber, Trunk } from "../../trunking/records.ts";
import { changed, namedBy, ownedBy } from "./owned.ts";
import { pageOf, readPageRequest } from "./paging.ts";
import { phoneNumberView } from "./phone-number-view.ts";
import { isoDate, metaList } from "./present.ts";
import { badParameter, notFound } from "./rest-error.ts";
import { created, deleted, ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

const ALREADY_THERE = 21245;
const PATH = "/v1/Trunks/:trunk/PhoneNumbers";

export function trunkPhoneNumberRoutes(ctx: RestContext): RestRoute[] {
  const show = ({ base }: RestRequest, number: PhoneNumber): object => ({
    ...phoneNumberView(number),
    date_created: isoDate(number.dateCreated),
    date_updated: isoDate(number.dateUpdated),
    url: `${base}/v1/Trunks/${number.trunkSid}/PhoneNumbers/${number.sid}`,
    links: {
      phone_number: `${base}/2010-04-01/Accounts/${number.accountSid}/IncomingPhoneNumbers/${number.sid}.json`,
    },
  });
  const trunkOf = (request: RestRequest): Trunk => ownedBy(ctx, request, "trunks", request.path["trunk"]!);
  const numberOf = (request: RestRequest): PhoneNumber => {
    const trunk = trunkOf(request);
    const number = ownedBy(ctx, request, "phoneNumbers", request.path["number"]!);
    if (number.trunkSid !== trunk.sid) throw notFound(number.sid);
    return number;
  };

  return [
    {
      method: "GET",
      path: PATH,
      handle: (request) => {
        const trunk = trunkOf(request);
        const page = pageOf(ctx.store.numbersOfTrunk(trunk.sid), readPageRequest(request.query));
        const url = `${request.base}/v1/Trunks/${trunk.sid}/PhoneNumbers`;
        return ok(metaList("phone_numbers", url, page, (number) => show(request, number)));
      },
    },
    {
      method: "POST",
      path: PATH,
      handle: async (request) => {
        const trunk = trunkOf(request);
        request.body.required("PhoneNumberSid");
        const sid = request.body.sid("PhoneNumberSid", "PN")!;
        const number = namedBy(ctx, request, "phoneNumbers", "PhoneNumberSid", sid);
        if (number.trunkSid === trunk.sid)
          throw badParameter("PhoneNumberSid", "the number belongs to the trunk already", ALREADY_THERE);
        const put = changed(ctx, number, { trunkSid: trunk.sid, voiceApplicationSid: null });
        await ctx.store.apply([{ kind: "phoneNumbers", put }]);
        return created(show(request, put));
      },
    },
    { method: "GET", path: `${PATH}/:number`, handle: (request) => ok(show(request, numberOf(request))) },
    {
      method: "DELETE",
      path: `${PATH}/:number`,
      handle: async (request) => {
        const put = changed(ctx, numberOf(request), { trunkSid: null });
        await ctx.store.apply([{ kind: "phoneNumbers", put }]);
        return deleted;
      },
    },
  ];
}
