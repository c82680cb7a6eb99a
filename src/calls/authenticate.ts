/** Digest over the credential lists of a domain (R-AUTH-3 to R-AUTH-10): challenges and verdicts. */

import type { Clock } from "../base/clock.ts";
import type { AuthConfig } from "../base/gateway-config.ts";
import type { DigestAlgorithm } from "../sip/digest.ts";
import { makeChallenges, verifyAuthorization } from "../sip/digest-server.ts";
import type { ExtraHeaders, SipRequest } from "../sip/message.ts";
import { NonceBook } from "../sip/nonce.ts";
import type { Secrets } from "../store/secrets.ts";
import type { CredentialList } from "../trunking/records.ts";
import type { CredentialVerdict } from "../trunking/termination.ts";

export class Authenticator {
  readonly #nonces: NonceBook;
  readonly #secrets: Secrets;
  /** Strongest first, since clients take the topmost that they know (RFC 8760 §2.4). */
  readonly #algorithms: readonly DigestAlgorithm[];

  constructor(clock: Clock, secrets: Secrets, settings: Pick<AuthConfig, "nonceSeconds" | "sha256">) {
    this.#nonces = new NonceBook(clock, settings.nonceSeconds * 1000);
    this.#secrets = secrets;
    this.#algorithms = settings.sha256 ? ["SHA-256", "MD5"] : ["MD5"];
  }

  /** Proxy-Authenticate headers of a 407. */
  challenge(realm: string, source: string, stale: boolean): ExtraHeaders {
    return makeChallenges(realm, this.#nonces.make(source), this.#algorithms, stale).map((value) => [
      "Proxy-Authenticate",
      value,
    ]);
  }

  /**
   * Judges the credentials of a request.
   * @throws SipParseError 400 for a header that cannot be read, or a digest made for another URI (SIP-AUTH-5)
   */
  judge(request: SipRequest, realm: string, source: string, lists: readonly CredentialList[]): CredentialVerdict {
    return verifyAuthorization(request, {
      header: "Proxy-Authorization",
      realm,
      source,
      nonces: this.#nonces,
      secretsOf: (username) =>
        lists
          .flatMap((list) => list.credentials)
          .filter((credential) => credential.username === username)
          .map(({ sid, sealedPassword }) => ({ password: this.#secrets.unseal(sealedPassword, sid) })),
    });
  }
}
