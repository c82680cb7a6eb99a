/** Answers to challenges of one request or call (RFC 3261 §22.2, §22.3, RFC 8760, SIP-AUTH-7, hardening R6). */

import { randomHex } from "../../base/ids.ts";
import { answerChallenge, parseChallenges } from "../digest.ts";
import type { ExtraHeaders, SipResponse } from "../message.ts";
import { formatUri, type SipUri } from "../uri.ts";

export interface ClientCredentials {
  readonly username: string;
  readonly password: string;
}

/** A proxy and the far end may both ask, or one of them twice since its nonce went stale; then it is enough. */
const ROUNDS_MAX = 2;

export class ClientAuthentication {
  readonly #credentials: ClientCredentials | undefined;
  /** By header and realm: what stays in every further request. */
  readonly #answers = new Map<string, readonly [name: string, value: string]>();
  #rounds = 0;

  constructor(credentials: ClientCredentials | undefined) {
    this.#credentials = credentials;
  }

  get headers(): ExtraHeaders {
    return [...this.#answers.values()];
  }

  /**
   * Answers the topmost challenge of a 401 or 407 that we know.
   * @returns false when there is none, no credentials, or the same realm has refused them already
   */
  answer(response: SipResponse, method: string, uri: SipUri): boolean {
    const isProxy = response.status === 407;
    if ((!isProxy && response.status !== 401) || this.#credentials === undefined || this.#rounds >= ROUNDS_MAX)
      return false;
    const values = response.headers.all(isProxy ? "Proxy-Authenticate" : "WWW-Authenticate");
    const challenge = parseChallenges(values)[0];
    if (challenge === undefined) return false;
    const name = isProxy ? "Proxy-Authorization" : "Authorization";
    const key = `${name} ${challenge.realm}`;
    // The same realm again is a refusal, unless it only wants a fresh nonce.
    if (this.#answers.has(key) && !challenge.stale) return false;
    this.#rounds++;
    const digestUri = formatUri({ ...uri, headers: [] });
    const answer = answerChallenge(challenge, { method, uri: digestUri }, this.#credentials, randomHex(8));
    this.#answers.set(key, [name, answer]);
    return true;
  }
}
