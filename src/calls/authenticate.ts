/** Digest over the credential lists of a domain (R-AUTH-3 to R-AUTH-10, SIP-AUTH): challenges and verdicts. */

import { randomBytes } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { type Credentials, digestHa1, formatChallenge, parseCredentials, verifyResponse } from "../sip/digest.ts";
import type { ExtraHeaders, SipRequest } from "../sip/message.ts";
import { NonceBook } from "../sip/nonce.ts";
import { parseUri, urisEqual } from "../sip/uri.ts";
import type { Secrets } from "../store/secrets.ts";
import type { Credential, CredentialList } from "../trunking/records.ts";
import type { CredentialVerdict } from "../trunking/termination.ts";

export class Authenticator {
  readonly #nonces: NonceBook;
  readonly #secrets: Secrets;
  /** Stands in for the secret of a user that does not exist, so that both cases take the same work (SIP-AUTH-9). */
  readonly #nobodysPassword = randomBytes(16).toString("hex");

  constructor(clock: Clock, secrets: Secrets, nonceLifetimeMs: number) {
    this.#nonces = new NonceBook(clock, nonceLifetimeMs);
    this.#secrets = secrets;
  }

  /** Proxy-Authenticate headers of a 407: SHA-256 first, since clients take the topmost that they know (RFC 8760 §2.4). */
  challenge(realm: string, source: string, stale: boolean): ExtraHeaders {
    return (["SHA-256", "MD5"] as const).map((algorithm) => [
      "Proxy-Authenticate",
      formatChallenge({ realm, nonce: this.#nonces.make(source), algorithm, qopAuth: true, opaque: undefined, stale }),
    ]);
  }

  /**
   * Judges the credentials of a request.
   * @throws SipParseError 400 for a header that cannot be read, or a digest made for another URI (SIP-AUTH-5)
   */
  judge(request: SipRequest, realm: string, source: string, lists: readonly CredentialList[]): CredentialVerdict {
    const credentials = this.#find(request, realm);
    if (credentials === undefined) return { kind: "absent" };
    const nonceCount = credentials.nonceCount === "" ? 1 : Number.parseInt(credentials.nonceCount, 16);
    const nonce = this.#nonces.judge(credentials.nonce, source, nonceCount);
    if (nonce === "forged") return { kind: "absent" };
    const known = lists.flatMap((list) => list.credentials).filter((one) => one.username === credentials.username);
    const isRight =
      known.length === 0
        ? this.#verify(credentials, request, undefined)
        : known.some((one) => this.#verify(credentials, request, one));
    if (!isRight || known.length === 0) return { kind: "wrong" };
    // A replayed count is refused like an old nonce: whoever knows the secret answers the new challenge.
    if (nonce === "stale" || nonce === "replayed") return { kind: "stale" };
    if (!sameUri(credentials.uri, request)) return { kind: "wrong" };
    this.#nonces.use(credentials.nonce, nonceCount);
    return { kind: "valid", username: credentials.username };
  }

  #find(request: SipRequest, realm: string): Credentials | undefined {
    for (const name of ["Proxy-Authorization", "Authorization"]) {
      for (const value of request.headers.all(name)) {
        const credentials = parseCredentials(value);
        if (credentials?.realm === realm) return credentials;
      }
    }
    return undefined;
  }

  #verify(credentials: Credentials, request: SipRequest, known: Credential | undefined): boolean {
    const password =
      known === undefined ? this.#nobodysPassword : this.#secrets.unseal(known.sealedPassword, known.sid);
    const ha1 = digestHa1(credentials.algorithm, credentials.username, credentials.realm, password);
    return verifyResponse(credentials, request.method, ha1);
  }
}

/** The digest names the Request-URI; parameters that a proxy may have added on the way do not count. */
function sameUri(text: string, request: SipRequest): boolean {
  try {
    const uri = parseUri(text);
    const plain = { ...request.uri, params: new Map<string, string>(), headers: [], port: undefined };
    const given = { ...uri, params: new Map<string, string>(), headers: [], port: undefined };
    return urisEqual(plain, given) || (given.user === undefined && given.host === plain.host);
  } catch {
    return false;
  }
}
