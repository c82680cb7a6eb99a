/** `…/SIP/CredentialLists/{CL}/Credentials` (trunking-rest.md 6.6; R-AUTH-8, R-AUTH-11). A password goes in and never comes out. */

import { newSid } from "../../base/ids.ts";
import { passwordProblem } from "../../trunking/passwords.ts";
import type { Credential, CredentialList } from "../../trunking/records.ts";
import { changed, ownedBy } from "./owned.ts";
import { pageOf, readPageRequest } from "./paging.ts";
import { rfc2822Date, uriList } from "./present.ts";
import { badParameter, notFound, RestError } from "./rest-error.ts";
import { ACCOUNT, created, deleted, ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

const USERS_MAX = 1000;
const PATH = `${ACCOUNT}/SIP/CredentialLists/:list/Credentials`;

export function credentialRoutes(ctx: RestContext): RestRoute[] {
  const uriOf = (request: RestRequest, list: CredentialList): string =>
    `/2010-04-01/Accounts/${request.account.sid}/SIP/CredentialLists/${list.sid}/Credentials`;
  const show = (request: RestRequest, list: CredentialList, credential: Credential): object => ({
    sid: credential.sid,
    account_sid: list.accountSid,
    credential_list_sid: list.sid,
    username: credential.username,
    date_created: rfc2822Date(credential.dateCreated ?? list.dateCreated),
    date_updated: rfc2822Date(credential.dateUpdated ?? list.dateUpdated),
    uri: `${uriOf(request, list)}/${credential.sid}.json`,
  });
  const listIn = (request: RestRequest): CredentialList =>
    ownedBy(ctx, request, "credentialLists", request.path["list"]!);
  const credentialIn = (request: RestRequest): { list: CredentialList; credential: Credential } => {
    const list = listIn(request);
    const credential = list.credentials.find(({ sid }) => sid === request.path["credential"]);
    if (credential === undefined) throw notFound((request.path["credential"] ?? "").slice(0, 40));
    return { list, credential };
  };
  /** Sealed for the place where it will lie. */
  const password = (request: RestRequest, sid: string): string => {
    const given = request.body.required("Password");
    const problem = passwordProblem(given);
    if (problem !== null) throw badParameter("Password", problem);
    return ctx.secrets.seal(given, sid);
  };
  const store = async (list: CredentialList, credentials: readonly Credential[]): Promise<CredentialList> => {
    const put = changed<CredentialList>(ctx, list, { credentials });
    await ctx.store.apply([{ kind: "credentialLists", put }]);
    return put;
  };
  const now = (): string => ctx.clock.wallTime().toISOString();

  return [
    {
      method: "GET",
      path: `${PATH}.json`,
      handle: (request) => {
        const list = listIn(request);
        const rows = list.credentials.map((one) => ({ ...one, dateCreated: one.dateCreated ?? list.dateCreated }));
        const page = pageOf(rows, readPageRequest(request.query));
        return ok(uriList("credentials", `${uriOf(request, list)}.json`, page, (one) => show(request, list, one)));
      },
    },
    {
      method: "POST",
      path: `${PATH}.json`,
      handle: async (request) => {
        const list = listIn(request);
        request.body.required("Username");
        const username = request.body.text("Username", 32)!;
        if (/["\\]/.test(username)) throw badParameter("Username", 'without " and \\');
        if (list.credentials.some((one) => one.username === username))
          throw badParameter("Username", "the list has this user already");
        if (list.credentials.length >= USERS_MAX)
          throw new RestError(400, 20001, `a list has at most ${USERS_MAX} users`);
        const sid = newSid("CR");
        const date = now();
        const sealedPassword = password(request, sid);
        const credential = { sid, username, sealedPassword, dateCreated: date, dateUpdated: date };
        return created(show(request, await store(list, [...list.credentials, credential]), credential));
      },
    },
    {
      method: "GET",
      path: `${PATH}/:credential(^[^./]+).json`,
      handle: (request) => {
        const { list, credential } = credentialIn(request);
        return ok(show(request, list, credential));
      },
    },
    {
      method: "POST",
      path: `${PATH}/:credential(^[^./]+).json`,
      handle: async (request) => {
        const { list, credential } = credentialIn(request);
        const put = { ...credential, sealedPassword: password(request, credential.sid), dateUpdated: now() };
        const stored = await store(
          list,
          list.credentials.map((one) => (one.sid === put.sid ? put : one)),
        );
        return ok(show(request, stored, put));
      },
    },
    {
      method: "DELETE",
      path: `${PATH}/:credential(^[^./]+).json`,
      handle: async (request) => {
        const { list, credential } = credentialIn(request);
        await store(
          list,
          list.credentials.filter(({ sid }) => sid !== credential.sid),
        );
        return deleted;
      },
    },
  ];
}
