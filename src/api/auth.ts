/**
 * Who asks over HTTP (RFC 7617): an account with its SID and auth token, an API key with its secret, or the operator with a token that
 * is derived from the operator key. Tokens are compared in constant time; an unknown account costs the same as a wrong token.
 */

import { createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { Viewer } from "../calls/call-stories.ts";
import type { Store } from "../store/store.ts";
import { AuthFailures } from "../trunking/limits.ts";
import type { ApiKey } from "../trunking/records.ts";

/** User name that goes with the operator's token. */
export const OPERATOR = "operator";

/** Wrong tokens of one address in a minute, and how long it then gets no answer but 429. */
const FAILURES_MAX = 30;
const WINDOW_MS = 60_000;
const BLOCK_MS = 60_000;
const HEADER_LENGTH_MAX = 512;

/** `accountSid`: of the credentials, undefined for the operator. `key`: the API key that was shown. */
export type AuthVerdict =
  | { readonly viewer: Viewer; readonly accountSid: string | undefined; readonly key?: ApiKey }
  | { readonly refused: "credentials" | "too-many" };

export class HttpAuth {
  readonly #store: Store;
  readonly #operatorToken: string;
  readonly #clock: Clock;
  readonly #failures = new AuthFailures(FAILURES_MAX, WINDOW_MS, BLOCK_MS);

  constructor(store: Store, operatorToken: string, clock: Clock) {
    this.#store = store;
    this.#operatorToken = operatorToken;
    this.#clock = clock;
  }

  /**
   * @param authorization - value of the header, or undefined
   * @param address - where the request came from
   * @param edge - edge that the host of the request names, or null; a key of another edge is not good there (R-EDGE-9)
   */
  judge(authorization: string | undefined, address: string, edge: string | null = null): AuthVerdict {
    const nowMs = this.#clock.nowMs();
    if (this.#failures.isBlocked(address, nowMs)) return { refused: "too-many" };
    if (authorization === undefined) return { refused: "credentials" };
    const known = this.#viewerOf(authorization, edge);
    if (known !== undefined) return known;
    this.#failures.failed(address, nowMs);
    return { refused: "credentials" };
  }

  #viewerOf(authorization: string, edge: string | null): Exclude<AuthVerdict, { refused: unknown }> | undefined {
    const [scheme = "", encoded = ""] = authorization.split(" ", 2);
    if (scheme.toLowerCase() !== "basic" || authorization.length > HEADER_LENGTH_MAX) return undefined;
    const text = Buffer.from(encoded, "base64").toString();
    const colon = text.indexOf(":");
    if (colon < 0) return undefined;
    const user = text.slice(0, colon);
    const given = text.slice(colon + 1);
    if (user.startsWith("SK")) return this.#byKey(user, given, edge);
    const isOperator = user === OPERATOR;
    const account = this.#store.get("accounts", user);
    const expected = isOperator ? this.#operatorToken : (account?.authToken ?? "");
    const isRight = sameText(given, expected) && expected !== "";
    if (!isRight || account?.status === "closed") return undefined;
    return isOperator
      ? { viewer: "operator", accountSid: undefined }
      : { viewer: this.#accountsBelow(user), accountSid: user };
  }

  #byKey(sid: string, secret: string, edge: string | null): Exclude<AuthVerdict, { refused: unknown }> | undefined {
    const key = this.#store.get("apiKeys", sid);
    const isRight = sameText(secretHash(secret), key?.secretHash ?? "");
    if (!isRight || key === undefined) return undefined;
    if (key.region !== null && edge !== null && key.region !== edge) return undefined;
    if (this.#store.get("accounts", key.accountSid)?.status === "closed") return undefined;
    return { viewer: this.#accountsBelow(key.accountSid), accountSid: key.accountSid, key };
  }

  /** An account sees what its sub-accounts have. */
  #accountsBelow(sid: string): ReadonlySet<string> {
    const seen = new Set([sid]);
    // A set goes on with what is added while it is walked, and knows what it has: no circle leads on for ever.
    for (const one of seen) for (const below of this.#store.subAccounts(one)) seen.add(below.sid);
    return seen;
  }
}

/** What is kept of the secret of an API key. */
export function secretHash(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Hashes have one length, so that time tells nothing of the texts. */
function sameText(a: string, b: string): boolean {
  const hash = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}
