/** HTTP digest for SIP, both ways (RFC 3261 §22, RFC 2617, RFC 7616, RFC 8760). `auth-int` and Basic are not offered. */

import { createHash, timingSafeEqual } from "node:crypto";
import { SipParseError } from "../base/errors.ts";
import { isToken, quote, splitOutside, unquote } from "./tokens.ts";

export type DigestAlgorithm = "MD5" | "SHA-256";

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

const HASH_NAMES: Readonly<Record<DigestAlgorithm, string>> = { MD5: "md5", "SHA-256": "sha256" };

function hash(algorithm: DigestAlgorithm, text: string): string {
  return createHash(HASH_NAMES[algorithm]).update(text).digest("hex");
}

/** The value of WWW-Authenticate or Proxy-Authenticate. */
export function formatChallenge(challenge: Challenge): string {
  return (
    `Digest realm=${quote(challenge.realm)}, nonce="${challenge.nonce}", algorithm=${challenge.algorithm}` +
    (challenge.qopAuth ? ', qop="auth"' : "") +
    (challenge.opaque === undefined ? "" : `, opaque=${quote(challenge.opaque)}`) +
    (challenge.stale ? ", stale=true" : "")
  );
}

/** HA1 = H(username:realm:password). */
export function digestHa1(algorithm: DigestAlgorithm, username: string, realm: string, password: string): string {
  return hash(algorithm, `${username}:${realm}:${password}`);
}

/** The response value of RFC 7616 §3.4.1, lower-case hex. */
export function digestResponse(fields: {
  algorithm: DigestAlgorithm;
  ha1: string;
  method: string;
  uri: string;
  nonce: string;
  nonceCount: string;
  cnonce: string;
  qop: "auth" | undefined;
}): string {
  const { algorithm, ha1, nonce, nonceCount, cnonce, qop } = fields;
  const ha2 = hash(algorithm, `${fields.method}:${fields.uri}`);
  return hash(
    algorithm,
    qop === undefined ? `${ha1}:${nonce}:${ha2}` : `${ha1}:${nonce}:${nonceCount}:${cnonce}:${qop}:${ha2}`,
  );
}

/** True when the response was made with the secret; time does not depend on where they differ. */
export function verifyResponse(credentials: Credentials, method: string, ha1: string): boolean {
  const expected = Buffer.from(digestResponse({ ...credentials, method, ha1 }));
  const given = Buffer.from(credentials.response.toLowerCase());
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/**
 * Reads one Authorization or Proxy-Authorization value.
 * @throws SipParseError 400 when it cannot be read; undefined for another scheme or algorithm than we know
 */
export function parseCredentials(value: string): Credentials | undefined {
  const fields = readFields(value);
  if (fields === undefined) return undefined;
  const algorithm = algorithmOf(fields.get("algorithm"));
  if (algorithm === undefined) return undefined;
  const need = (name: string): string => {
    const text = fields.get(name);
    if (text === undefined) throw new SipParseError(`credentials lack ${name}`);
    return text;
  };
  const qop = fields.get("qop")?.toLowerCase();
  if (qop !== undefined && qop !== "auth") return undefined;
  const nonceCount = qop === undefined ? "" : need("nc").toLowerCase();
  if (qop !== undefined && !/^[0-9a-f]{8}$/.test(nonceCount))
    throw new SipParseError("credentials: nc is not 8 hex digits");
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

/** Reads one challenge; undefined for a scheme, algorithm or qop that we do not use. */
export function parseChallenge(value: string): Challenge | undefined {
  const fields = readFields(value);
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

/** The Authorization value that answers a challenge. `nonceCount` counts the uses of this nonce from 1. */
export function answerChallenge(
  challenge: Challenge,
  request: { readonly method: string; readonly uri: string },
  secret: { readonly username: string; readonly password: string },
  cnonce: string,
  nonceCount = 1,
): string {
  const { algorithm, realm, nonce } = challenge;
  const nc = nonceCount.toString(16).padStart(8, "0");
  const qop = challenge.qopAuth ? "auth" : undefined;
  const ha1 = digestHa1(algorithm, secret.username, realm, secret.password);
  const response = digestResponse({
    algorithm,
    ha1,
    method: request.method,
    uri: request.uri,
    nonce,
    nonceCount: nc,
    cnonce,
    qop,
  });
  return (
    `Digest username=${quote(secret.username)}, realm=${quote(realm)}, nonce=${quote(nonce)}, uri=${quote(request.uri)}, ` +
    `response="${response}", algorithm=${algorithm}` +
    (qop === undefined ? "" : `, qop=auth, cnonce="${cnonce}", nc=${nc}`) +
    (challenge.opaque === undefined ? "" : `, opaque=${quote(challenge.opaque)}`)
  );
}

function algorithmOf(text: string | undefined): DigestAlgorithm | undefined {
  if (text === undefined || text.toUpperCase() === "MD5") return "MD5";
  return text.toUpperCase() === "SHA-256" ? "SHA-256" : undefined;
}

/** `Digest name=value, …` as a map; undefined for another scheme. */
function readFields(value: string): Map<string, string> | undefined {
  const blank = value.search(/[ \t]/);
  const scheme = blank < 0 ? value : value.slice(0, blank);
  if (!isToken(scheme)) throw new SipParseError("credentials have no scheme");
  if (scheme.toLowerCase() !== "digest") return undefined;
  const fields = new Map<string, string>();
  for (const part of splitOutside(value.slice(blank < 0 ? value.length : blank), ",", "credentials")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    if (equals <= 0) throw new SipParseError("credentials: a field has no value");
    const name = part.slice(0, equals).trim().toLowerCase();
    if (fields.has(name)) throw new SipParseError(`credentials: ${name.slice(0, 20)} stands twice`);
    fields.set(name, unquote(part.slice(equals + 1).trim()));
  }
  return fields;
}
