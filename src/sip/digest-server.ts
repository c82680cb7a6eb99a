/**
 * Who is asking? Judges the credentials of a request (RFC 3261 §22.2, §22.3; SIP-AUTH-2 to SIP-AUTH-6, hardening R5). An
 * unknown user costs the same work and gets the same verdict as a wrong password.
 */

import { randomBytes } from "node:crypto";
import { SipParseError } from "../base/errors.ts";
import {
  type Challenge,
  type Credentials,
  type DigestAlgorithm,
  digestHa1,
  formatChallenge,
  parseCredentials,
  verifyResponse,
} from "./digest.ts";
import type { SipRequest } from "./message.ts";
import type { NonceBook } from "./nonce.ts";
import { parseUri, urisEqual } from "./uri.ts";

/** How a password is known: as it is, or as HA1 of the realm and algorithm that were asked for. */
export type DigestSecret = { readonly password: string } | { readonly ha1: string };

export interface DigestCheck {
  readonly header: "Authorization" | "Proxy-Authorization";
  readonly realm: string;
  /** Address that the request came from; a nonce serves only where it was sent. */
  readonly source: string;
  readonly nonces: NonceBook;
  /** The secrets of a user, any of which may be right; none for an unknown user. */
  readonly secretsOf: (username: string, algorithm: DigestAlgorithm) => readonly DigestSecret[];
}

export type DigestVerdict =
  | { readonly kind: "valid"; readonly username: string }
  /** No credentials for our realm: challenge. */
  | { readonly kind: "absent" }
  /** The password was right, but the nonce was too old, used before or not ours: challenge with stale=true. */
  | { readonly kind: "stale"; readonly username: string }
  | { readonly kind: "wrong"; readonly username: string };

/** Stands for the password of users that do not exist. */
const NOBODY: DigestSecret = { password: randomBytes(24).toString("hex") };

/**
 * Judges the credentials that a request carries for our realm.
 * @throws SipParseError 400 when credentials cannot be read, or were made for another Request-URI
 */
export function verifyAuthorization(request: SipRequest, check: DigestCheck): DigestVerdict {
  const credentials = credentialsFor(request, check);
  if (credentials === undefined) return { kind: "absent" };
  if (!isForRequest(credentials, request)) throw new SipParseError("credentials are for another Request-URI");
  const { username } = credentials;
  if (!knowsSecret(credentials, request.method, check)) return { kind: "wrong", username };
  const nonceCount = credentials.qop === undefined ? 0 : Number.parseInt(credentials.nonceCount, 16);
  if (check.nonces.judge(credentials.nonce, check.source, nonceCount) !== "good") return { kind: "stale", username };
  check.nonces.use(credentials.nonce, nonceCount);
  return { kind: "valid", username };
}

/** The values of the challenge headers, one for each algorithm, in the order given: strongest first (SIP-AUTH-4). */
export function makeChallenges(
  realm: string,
  nonce: string,
  algorithms: readonly DigestAlgorithm[],
  stale: boolean,
): string[] {
  return algorithms.map((algorithm) => {
    const challenge: Challenge = { realm, nonce, algorithm, qopAuth: true, opaque: undefined, stale };
    return formatChallenge(challenge);
  });
}

/** The first credentials for our realm (SIP-AUTH-6). */
function credentialsFor(request: SipRequest, check: DigestCheck): Credentials | undefined {
  for (const value of request.headers.all(check.header)) {
    const credentials = parseCredentials(value);
    if (credentials !== undefined && credentials.realm === check.realm) return credentials;
  }
  return undefined;
}

/** SIP-AUTH-5: the same resource, not the same text. URI parameters are about the way there, and proxies rewrite them. */
function isForRequest(credentials: Credentials, request: SipRequest): boolean {
  try {
    return urisEqual(
      { ...parseUri(credentials.uri), params: new Map(), headers: [] },
      { ...request.uri, params: new Map() },
    );
  } catch (error) {
    if (error instanceof SipParseError) throw new SipParseError(`credentials: ${error.message}`);
    throw error;
  }
}

/** Tries every secret, at least one, so that time tells nothing about which users exist. */
function knowsSecret(credentials: Credentials, method: string, check: DigestCheck): boolean {
  const { algorithm, username, realm } = credentials;
  const known = check.secretsOf(username, algorithm);
  let isRight = false;
  for (const secret of known.length === 0 ? [NOBODY] : known) {
    // Hashed even when HA1 is known: the work is the same for every kind of secret.
    const computed = digestHa1(algorithm, username, realm, "password" in secret ? secret.password : "");
    const ha1 = "ha1" in secret ? secret.ha1.toLowerCase() : computed;
    if (verifyResponse(credentials, method, ha1)) isRight = true;
  }
  return isRight && known.length > 0;
}
