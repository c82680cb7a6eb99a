/**
 * `/2010-04-01/Accounts`: the account and its sub-accounts. The auth token is shown once, to whom makes a sub-account. Only the parent
 * (or the operator) suspends an account, wakes it, or closes it for good, which releases all that it has.
 */

import { newSid, randomHex } from "../../base/ids.ts";
import { DECLARED_KINDS } from "../../store/record-index.ts";
import type { Change, OwnedKind } from "../../store/store.ts";
import type { Account, AccountStatus } from "../../trunking/records.ts";
import { changed } from "./owned.ts";
import { pageOf, readPageRequest } from "./paging.ts";
import { rfc2822Date, uriList } from "./present.ts";
import { badParameter, REST_CODES, RestError } from "./rest-error.ts";
import { ACCOUNT, created, ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

const PATH = "/2010-04-01/Accounts.json";
const STATUSES: readonly AccountStatus[] = ["active", "suspended", "closed"];
const SUB_ACCOUNTS_MAX = 1000;
const MASKED = "*".repeat(32);
/** Of accounts that older data files have. */
const UNKNOWN_DATE = "1970-01-01T00:00:00.000Z";

/** What goes when an account is closed. */
const RELEASED: readonly OwnedKind[] = [
  "sourceIpMappings",
  "ipRecords",
  ...DECLARED_KINDS,
  "applications",
  "apiKeys",
  "voiceSettings",
];

const SUBRESOURCES: Readonly<Record<string, string>> = {
  applications: "Applications",
  calls: "Calls",
  incoming_phone_numbers: "IncomingPhoneNumbers",
  keys: "Keys",
  outgoing_caller_ids: "OutgoingCallerIds",
  recordings: "Recordings",
  signing_keys: "SigningKeys",
};

export function accountRoutes(ctx: RestContext): RestRoute[] {
  return [
    {
      method: "GET",
      path: PATH,
      noKeys: true,
      handle: (request) => {
        const { FriendlyName: name, Status: status } = request.query;
        if (status !== undefined && !STATUSES.includes(status as AccountStatus))
          throw badParameter("Status", `one of ${STATUSES.join(", ")}`);
        const rows = [request.account, ...ctx.store.subAccounts(request.account.sid)]
          .filter((one) => name === undefined || one.friendlyName === name)
          .filter((one) => status === undefined || (one.status ?? "active") === status)
          .map((one) => ({ ...one, dateCreated: one.dateCreated ?? UNKNOWN_DATE }));
        const page = pageOf(rows, readPageRequest(request.query));
        return ok(uriList("accounts", PATH, page, (one) => show(one, MASKED)));
      },
    },
    {
      method: "POST",
      path: PATH,
      noKeys: true,
      handle: async (request) => {
        const parent = request.account;
        if (parent.parentSid !== null)
          throw new RestError(403, REST_CODES.forbidden, "a sub-account has no sub-accounts of its own");
        if (ctx.store.subAccounts(parent.sid).length >= SUB_ACCOUNTS_MAX)
          throw new RestError(400, REST_CODES.badParameter, `an account has at most ${SUB_ACCOUNTS_MAX} sub-accounts`);
        const now = ctx.clock.wallTime().toISOString();
        const account: Account = {
          sid: newSid("AC"),
          friendlyName: request.body.text("FriendlyName", 64) || `SubAccount Created at ${now.slice(0, 16)}`,
          parentSid: parent.sid,
          authToken: randomHex(16),
          status: "active",
          dateCreated: now,
          dateUpdated: now,
        };
        await ctx.store.apply([{ kind: "accounts", put: account }]);
        return created(show(account, account.authToken));
      },
    },
    { method: "GET", path: `${ACCOUNT}.json`, handle: ({ account }) => ok(show(account, MASKED)) },
    {
      method: "POST",
      path: `${ACCOUNT}.json`,
      noKeys: true,
      evenSuspended: true,
      handle: async (request) => {
        const status = readStatus(request);
        const account = changed(ctx, request.account as Account & { readonly dateUpdated: string }, {
          friendlyName: request.body.text("FriendlyName", 64),
          status,
        });
        await ctx.store.apply([
          { kind: "accounts", put: account },
          ...(status === "closed" ? release(ctx, account.sid) : []),
        ]);
        return ok(show(account, MASKED));
      },
    },
  ];
}

function show(account: Account, authToken: string): object {
  const uri = `/2010-04-01/Accounts/${account.sid}`;
  const { dateCreated, dateUpdated } = account;
  return {
    sid: account.sid,
    owner_account_sid: account.parentSid ?? account.sid,
    friendly_name: account.friendlyName,
    status: account.status ?? "active",
    type: "Full",
    auth_token: authToken,
    date_created: dateCreated === undefined ? null : rfc2822Date(dateCreated),
    date_updated: dateUpdated === undefined ? null : rfc2822Date(dateUpdated),
    uri: `${uri}.json`,
    subresource_uris: Object.fromEntries(
      Object.entries(SUBRESOURCES).map(([name, path]) => [name, `${uri}/${path}.json`]),
    ),
  };
}

/** Undefined when it stays as it is. @throws RestError for who may not, and for an account that is closed */
function readStatus({ account, askerSid, body }: RestRequest): AccountStatus | undefined {
  const before = account.status ?? "active";
  const status = body.choice("Status", STATUSES);
  const mayDecide = askerSid === undefined || askerSid === account.parentSid;
  if (before !== "active" && !mayDecide)
    throw new RestError(403, REST_CODES.suspended, `the account ${account.sid} is ${before}`);
  if (status === undefined || status === before) return undefined;
  if (!mayDecide)
    throw new RestError(403, REST_CODES.forbidden, "Status: an account is suspended and closed by its parent alone");
  if (before === "closed") throw badParameter("Status", "what is closed stays closed");
  return status;
}

function release(ctx: RestContext, accountSid: string): Change[] {
  return RELEASED.flatMap((kind) =>
    [...ctx.store.listOf(kind, accountSid)].map(({ sid }): Change => ({ kind, remove: sid }) as Change),
  );
}
