/**
 * Who asks over HTTP (RFC 7617): an account with its SID and auth token, or the operator with a token that is derived from the
 * operator key. Tokens are compared in constant time; an unknown account costs the same as a wrong token.
 */

import { createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { Viewer } from "../calls/call-stories.ts";
import type { Store } from "../store/store.ts";
import { AuthFailures } from "../trunking/limits.ts";

/** User name that goes with the operator's token. */
export const OPERATOR = "operator";

/** Wrong tokens of one address in a minute, and how long it then gets no answer but 429. */
const FAILURES_MAX = 30;
const WINDOW_MS = 60_000;
const BLOCK_MS = 60_000;
const HEADER_LENGTH_MAX = 512;
const DEPTH_MAX = 8;

/** `accountSid`: of the credentials, undefined for the operator. */
export type AuthVerdict =
  | { readonly viewer: Viewer; readonly accountSid: string | undefined }
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
   */
  judge(authorization: string | undefined, address: string): AuthVerdict {
    const nowMs = this.#clock.nowMs();
    if (this.#failures.isBlocked(address, nowMs)) return { refused: "too-many" };
    if (authorization === undefined) return { refused: "credentials" };
    const known = this.#viewerOf(authorization);
    if (known !== undefined) return known;
    this.#failures.failed(address, nowMs);
    return { refused: "credentials" };
  }

  #viewerOf(authorization: string): Exclude<AuthVerdict, { refused: unknown }> | undefined {
    const [scheme = "", encoded = ""] = authorization.split(" ", 2);
    if (scheme.toLowerCase() !== "basic" || authorization.length > HEADER_LENGTH_MAX) return undefined;
    const text = Buffer.from(encoded, "base64").toString();
    const colon = text.indexOf(":");
    if (colon < 0) return undefined;
    const user = text.slice(0, colon);
    const isOperator = user === OPERATOR;
    const expected = isOperator ? this.#operatorToken : (this.#store.get("accounts", user)?.authToken ?? "");
    const isRight = sameText(text.slice(colon + 1), expected) && expected !== "";
    if (!isRight) return undefined;
    return isOperator
      ? { viewer: "operator", accountSid: undefined }
      : { viewer: this.#accountsBelow(user), accountSid: user };
  }

  /** An account sees what its sub-accounts have. */
  #accountsBelow(sid: string): ReadonlySet<string> {
    const seen = new Set([sid]);
    for (let depth = 0; depth < DEPTH_MAX; depth++) {
      const before = seen.size;
      for (const account of this.#store.list("accounts"))
        if (account.parentSid !== null && seen.has(account.parentSid)) seen.add(account.sid);
      if (seen.size === before) break;
    }
    return seen;
  }
}

/** Hashes have one length, so that time tells nothing of the texts. */
function sameText(a: string, b: string): boolean {
  const hash = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}
