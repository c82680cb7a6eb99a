/**
 * HTTP digest for SIP, both ways (RFC 3261 §22, RFC 2617, RFC 7616, RFC 8760): challenges, answers and what they are made
 * of. Judging a request is in `digest-server.ts`. `auth-int`, the session algorithms and Basic are neither offered nor taken.
 */

import { createHash, timingSafeEqual } from "node:crypto";
import { SipParseError } from "../base/errors.ts";
import { parseDigestFields } from "./digest-fields.ts";
import { quote } from "./tokens.ts";

/** Strongest last. */
export type DigestAlgorithm = "MD5" | "SHA-256" | "SHA-512-256";

/** What a server asks for. */
export interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  readonly algorithm: DigestAlgorithm;
  /** True when `qop` has `auth`; without it the old form of RFC 2069 is used. */
  readonly qopAuth: boolean;
  readonly opaque: string | undefined;
  readonly stale: boolean;
}

/** What a client sent. Names as in RFC 7616 §3.4. */
export interface Credentials {
  readonly username: string;
  readonly realm: string;
  readonly nonce: string;
  readonly uri: string;
  readonly response: string;
  readonly algorithm: DigestAlgorithm;
  readonly qop: "auth" | undefined;
  readonly cnonce: string;
  /** nc as 8 hex digits, "" without qop. */
  readonly nonceCount: string;
  readonly opaque: string | undefined;
}

const HASH_NAMES: Readonly<Record<DigestAlgorithm, string>> = {
  MD5: "md5",
  "SHA-256": "sha256",
  "SHA-512-256": "sha512-256",
};

function hash(algorithm: DigestAlgorithm, text: string): string {
  return createHash(HASH_NAMES[algorithm]).update(text).digest("hex");
}

/** HA1 = H(username:realm:password) (RFC 7616 §3.4.2), lower-case hex. */
export function digestHa1(algorithm: DigestAlgorithm, username: string, realm: string, password: string): string {
  return hash(algorithm, `${username}:${realm}:${password}`);
}

/** The response value (RFC 7616 §3.4.1; without qop RFC 2617 §3.2.2.1), lower-case hex. */
export function digestResponse(fields: {
  readonly algorithm: DigestAlgorithm;
  readonly ha1: string;
  readonly method: string;
  readonly uri: string;
  readonly nonce: string;
  readonly nonceCount: string;
  readonly cnonce: string;
  readonly qop: "auth" | undefined;
}): string {
  const { algorithm, ha1, nonce, nonceCount, cnonce, qop } = fields;
  const ha2 = hash(algorithm, `${fields.method}:${fields.uri}`);
  const middle = qop === undefined ? nonce : `${nonce}:${nonceCount}:${cnonce}:${qop}`;
  return hash(algorithm, `${ha1}:${middle}:${ha2}`);
}

/** True when the response was made with the secret; time does not depend on where they differ (hardening R5). */
export function verifyResponse(credentials: Credentials, method: string, ha1: string): boolean {
  const expected = Buffer.from(digestResponse({ ...credentials, method, ha1 }));
  const given = Buffer.from(credentials.response.toLowerCase());
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** The value of WWW-Authenticate or Proxy-Authenticate. */
export function formatChallenge(challenge: Challenge): string {
  return (
    `Digest realm=${quote(challenge.realm)}, nonce=${quote(challenge.nonce)}, algorithm=${challenge.algorithm}` +
    (challenge.qopAuth ? ', qop="auth"' : "") +
    (challenge.opaque === undefined ? "" : `, opaque=${quote(challenge.opaque)}`) +
    (challenge.stale ? ", stale=true" : "")
  );
}

/**
 * Reads one challenge.
 * @returns undefined for a scheme, algorithm or qop that we do not use
 * @throws SipParseError 400 when it cannot be read
 */
export function parseChallenge(value: string): Challenge | undefined {
  const fields = parseDigestFields(value, "challenge");
  const realm = fields?.get("realm");
  const nonce = fields?.get("nonce");
  if (fields === undefined || realm === undefined || nonce === undefined) return undefined;
  const algorithm = algorithmOf(fields.get("algorithm"));
  if (algorithm === undefined) return undefined;
  const qop = fields.get("qop");
  const offers = qop?.split(",").map((token) => token.trim().toLowerCase());
  if (offers !== undefined && !offers.includes("auth")) return undefined;
  return {
    realm,
    nonce,
    algorithm,
    qopAuth: offers !== undefined,
    opaque: fields.get("opaque"),
    stale: fields.get("stale")?.toLowerCase() === "true",
  };
}

/**
 * The challenges that we can answer, in the order of the message, which is that of the server's preference (RFC 8760 §2.4).
 * Those that cannot be read are left out.
 * @param values - one header line each
 */
export function parseChallenges(values: readonly string[]): Challenge[] {
  return values.flatMap((value) => {
    try {
      return parseChallenge(value) ?? [];
    } catch (error) {
      if (error instanceof SipParseError) return [];
      throw error;
    }
  });
}

/** The Authorization value that answers a challenge. `nonceCount` counts the uses of this nonce from 1. */
export function answerChallenge(
  challenge: Challenge,
  request: { readonly method: string; readonly uri: string },
  secret: { readonly username: string; readonly password: string },
  cnonce: string,
  nonceCount = 1,
): string {
  const { algorithm, realm, nonce } = challenge;
  const { method, uri } = request;
  const nc = nonceCount.toString(16).padStart(8, "0");
  const qop = challenge.qopAuth ? "auth" : undefined;
  const ha1 = digestHa1(algorithm, secret.username, realm, secret.password);
  const response = digestResponse({ algorithm, ha1, method, uri, nonce, nonceCount: nc, cnonce, qop });
  return (
    `Digest username=${quote(secret.username)}, realm=${quote(realm)}, nonce=${quote(nonce)}, uri=${quote(uri)}, ` +
    `response="${response}", algorithm=${algorithm}` +
    (qop === undefined ? "" : `, qop=auth, cnonce=${quote(cnonce)}, nc=${nc}`) +
    (challenge.opaque === undefined ? "" : `, opaque=${quote(challenge.opaque)}`)
  );
}

/**
 * Reads one Authorization or Proxy-Authorization value.
 * @returns undefined for another scheme, algorithm or qop than we use
 * @throws SipParseError 400 when it cannot be read or lacks a field
 */
export function parseCredentials(value: string): Credentials | undefined {
  const fields = parseDigestFields(value, "credentials");
  if (fields === undefined) return undefined;
  const algorithm = algorithmOf(fields.get("algorithm"));
  const qop = fields.get("qop")?.toLowerCase();
  if (algorithm === undefined || (qop !== undefined && qop !== "auth")) return undefined;
  const need = (name: string): string => {
    const text = fields.get(name);
    if (text === undefined) throw new SipParseError(`credentials lack ${name}`);
    return text;
  };
  const nonceCount = qop === undefined ? "" : need("nc").toLowerCase();
  if (qop !== undefined && !isNonceCount(nonceCount)) throw new SipParseError("credentials: nc is not 8 hex digits");
  return {
    username: need("username"),
    realm: need("realm"),
    nonce: need("nonce"),
    uri: need("uri"),
    response: need("response"),
    algorithm,
    qop,
    cnonce: qop === undefined ? (fields.get("cnonce") ?? "") : need("cnonce"),
    nonceCount,
    opaque: fields.get("opaque"),
  };
}

function isNonceCount(text: string): boolean {
  return text.length === 8 && /^[0-9a-f]{8}$/.test(text);
}

/** Algorithm names are compared without case; none means MD5 (RFC 7616 §3.3). */
function algorithmOf(text = "MD5"): DigestAlgorithm | undefined {
  const name = text.toUpperCase();
  return name === "MD5" || name === "SHA-256" || name === "SHA-512-256" ? name : undefined;
}
