/** `…/SIP/CredentialLists/{CL}/Credentials` (trunking-rest.md 6.6; R-AUTH-8, R-AUTH-11). A password goes in and never comes out. */

import { passwordProblem } from "../../trunking/passwords.ts";
import type { Credential } from "../../trunking/records.ts";
import { entryRoutes } from "./list-entries.ts";
import { badParameter } from "./rest-error.ts";
import type { RestContext, RestRequest, RestRoute } from "./route.ts";

const USERS_MAX = 1000;

export function credentialRoutes(ctx: RestContext): RestRoute[] {
  /** Sealed for the place where it will lie. */
  const password = (request: RestRequest, sid: string): string => {
    request.body.required("Password");
    const given = request.body.text("Password", 128)!;
    const problem = passwordProblem(given);
    if (problem !== null) throw badParameter("Password", problem);
    return ctx.secrets.seal(given, sid);
  };

  return entryRoutes<"credentialLists", Credential>(ctx, {
    list: "credentialLists",
    listPath: "CredentialLists",
    listKey: "credential_list_sid",
    path: "Credentials",
    key: "credentials",
    sidPrefix: "CR",
    countMax: USERS_MAX,
    entriesOf: ({ credentials }) => credentials,
    changesOf: (credentials) => ({ credentials }),
    read: (request, list, sid, before) => {
      if (before !== undefined) return { username: before.username, sealedPassword: password(request, sid) };
      request.body.required("Username");
      const username = request.body.text("Username", 32)!;
      if (/["\\]/.test(username)) throw badParameter("Username", 'without " and \\');
      if (list.credentials.some((one) => one.username === username))
        throw badParameter("Username", "the list has this user already");
      return { username, sealedPassword: password(request, sid) };
    },
    show: ({ username }) => ({ username }),
  });
}
