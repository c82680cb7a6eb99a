/** Answers to challenges of one request or call (RFC 3261 §22.2, §22.3, RFC 8760, SIP-AUTH-7, hardening R6). */

import { randomHex } from "../../base/ids.ts";
import { answerChallenge, type Challenge, parseChallenges } from "../digest.ts";
import type { ExtraHeaders, SipResponse } from "../message.ts";
import { formatUri, type SipUri } from "../uri.ts";

export interface ClientCredentials {
  readonly username: string;
  readonly password: string;
}

/** A proxy and the far end may both ask, or one of them twice since its nonce went stale; then it is enough. */
const ROUNDS_MAX = 2;

/** Nonces of one dialog: later requests use them on, so that each of them is not challenged anew (RFC 7616 §3.4, nc). */
export class ChallengeMemory {
  #used: Map<string, UsedChallenge> | undefined;

  get keys(): Iterable<string> {
    return this.#used?.keys() ?? [];
  }

  get(key: string): UsedChallenge | undefined {
    return this.#used?.get(key);
  }

  set(key: string, used: UsedChallenge): void {
    this.#used ??= new Map();
    this.#used.set(key, used);
  }
}

interface UsedChallenge {
  readonly name: string;
  readonly challenge: Challenge;
  count: number;
}

export class ClientAuthentication {
  readonly #credentials: ClientCredentials | undefined;
  readonly #memory: ChallengeMemory;
  /** By header and realm: what stays in every further request. */
  #answers: Map<string, readonly [name: string, value: string]> | undefined;
  /** Answered for this very request, and not only out of memory. */
  #fresh: Set<string> | undefined;
  #rounds = 0;

  constructor(credentials: ClientCredentials | undefined, memory = new ChallengeMemory()) {
    this.#credentials = credentials;
    this.#memory = memory;
  }

  get memory(): ChallengeMemory {
    return this.#memory;
  }

  /**
   * Answers what was asked before without waiting to be asked: for a new request, or the same one to another server. The
   * count goes on, so that no answer is used twice.
   */
  foresee(method: string, uri: SipUri): void {
    this.#fresh?.clear();
    for (const key of this.#memory.keys) this.#answer(key, method, uri);
  }

  get headers(): ExtraHeaders {
    return this.#answers === undefined ? [] : [...this.#answers.values()];
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
    const used = this.#memory.get(key);
    const isFresh = this.#fresh?.has(key) === true;
    if (isFresh && !challenge.stale) return false;
    if (!isFresh && used?.challenge.nonce === challenge.nonce && !challenge.stale) return false;
    this.#rounds++;
    this.#fresh ??= new Set();
    this.#fresh.add(key);
    this.#memory.set(key, { name, challenge, count: 0 });
    this.#answer(key, method, uri);
    return true;
  }

  #answer(key: string, method: string, uri: SipUri): void {
    const used = this.#memory.get(key);
    if (used === undefined || this.#credentials === undefined) return;
    const request = { method, uri: formatUri({ ...uri, headers: [] }) };
    const value = answerChallenge(used.challenge, request, this.#credentials, randomHex(8), ++used.count);
    this.#answers ??= new Map();
    this.#answers.set(key, [used.name, value]);
  }
}
