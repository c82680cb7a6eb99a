/**
 * `…/Keys` and `…/SigningKeys`: API keys (SK). The secret is in the answer that makes the key and nowhere else; what is kept is its hash.
 * A key may be of a region, that of the host it was made at or `Region` (R-EDGE-9); `region` in answers is an extension.
 */

import { randomBytes } from "node:crypto";
import { newSid } from "../../base/ids.ts";
import type { ApiKey } from "../../trunking/records.ts";
import { secretHash } from "../auth.ts";
import { changed, listOf, newBase, ownedBy } from "./owned.ts";
import { pageOf, readPageRequest } from "./paging.ts";
import { orNull, rfc2822Date, uriList } from "./present.ts";
import { badParameter, REST_CODES, RestError } from "./rest-error.ts";
import { ACCOUNT, created, deleted, ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

const KEYS_MAX = 1000;
const SECRET_LENGTH_BYTES = 24;
const UNKNOWN_REGION = 21252;

export function keyRoutes(ctx: RestContext): RestRoute[] {
  return [...routesOf(ctx, "Keys", "keys"), ...routesOf(ctx, "SigningKeys", "signing_keys")];
}

function routesOf(ctx: RestContext, name: string, listKey: string): RestRoute[] {
  const path = `${ACCOUNT}/${name}`;
  const one = `${path}/:key(^[^./]+).json`;
  const uriOf = ({ account }: RestRequest): string => `/2010-04-01/Accounts/${account.sid}/${name}.json`;
  const keyOf = (request: RestRequest): ApiKey => ownedBy(ctx, request, "apiKeys", request.path["key"]!);

  return [
    {
      method: "GET",
      path: `${path}.json`,
      noKeys: true,
      handle: (request) => {
        const page = pageOf(listOf(ctx, request, "apiKeys"), readPageRequest(request.query));
        return ok(uriList(listKey, uriOf(request), page, show));
      },
    },
    {
      method: "POST",
      path: `${path}.json`,
      noKeys: true,
      handle: async (request) => {
        if (ctx.store.countOf("apiKeys", request.account.sid) >= KEYS_MAX)
          throw new RestError(400, REST_CODES.badParameter, `an account has at most ${KEYS_MAX} keys`);
        const secret = randomBytes(SECRET_LENGTH_BYTES).toString("base64url");
        const key: ApiKey = {
          ...newBase(ctx, request, newSid("SK")),
          friendlyName: request.body.text("FriendlyName", 64) ?? "",
          secretHash: secretHash(secret),
          region: readRegion(ctx, request) ?? request.edge,
        };
        await ctx.store.apply([{ kind: "apiKeys", put: key }]);
        return created({ ...show(key), secret });
      },
    },
    { method: "GET", path: one, noKeys: true, handle: (request) => ok(show(keyOf(request))) },
    {
      method: "POST",
      path: one,
      noKeys: true,
      handle: async (request) => {
        const key = changed(ctx, keyOf(request), { friendlyName: request.body.text("FriendlyName", 64) });
        await ctx.store.apply([{ kind: "apiKeys", put: key }]);
        return ok(show(key));
      },
    },
    {
      method: "DELETE",
      path: one,
      noKeys: true,
      handle: async (request) => {
        await ctx.store.apply([{ kind: "apiKeys", remove: keyOf(request).sid }]);
        return deleted;
      },
    },
  ];
}

function show(key: ApiKey): object {
  return {
    sid: key.sid,
    friendly_name: orNull(key.friendlyName),
    date_created: rfc2822Date(key.dateCreated),
    date_updated: rfc2822Date(key.dateUpdated),
    region: key.region,
  };
}

function readRegion(ctx: RestContext, { body }: RestRequest): string | undefined {
  const given = body.text("Region", 64);
  if (given === undefined || given === "") return undefined;
  const edge = ctx.edges.resolve(given);
  if (edge === undefined) throw badParameter("Region", "no region or edge has this name", UNKNOWN_REGION);
  return edge;
}
