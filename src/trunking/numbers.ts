/**
 * Telephone numbers and who is calling (R-TERM-6, R-CID-1 to R-CID-5, SIP-ID-1, SIP-ID-4). Works on user parts that the
 * SIP layer has already taken out of their headers.
 */

const E164_LENGTH_MAX = 16;

/** True for `+` and 2 to 15 digits, the first not 0 (R-TERM-6). */
export function isE164(text: string): boolean {
  return text.length <= E164_LENGTH_MAX && /^\+[1-9][0-9]{1,14}$/.test(text);
}

/** The user part without its parameters: `+1415;npdi` is the number `+1415`. */
export function withoutUserParams(user: string): string {
  const semicolon = user.indexOf(";");
  return semicolon < 0 ? user : user.slice(0, semicolon);
}

/** True for anything that is meant as a number: digits with the usual separators, with or without `+`. */
function looksLikeNumber(user: string): boolean {
  return user.length <= 64 && /^\+?[0-9().-]+$/.test(user) && /[0-9]/.test(user);
}

/** Where a caller number was found. */
export type CallerIdSource = "From" | "Remote-Party-ID" | "P-Asserted-Identity" | "P-Preferred-Identity";

/** User parts of the identity headers of a request, parameters included; undefined for a missing header or user. */
export interface CallerIdentity {
  readonly fromUser: string | undefined;
  readonly remotePartyIdUser: string | undefined;
  readonly assertedUser: string | undefined;
  readonly preferredUser?: string | undefined;
  /** Values of Privacy headers. */
  readonly privacy: readonly string[];
}

/** The caller as found; `number` may still be no E.164. */
export interface CallerId {
  /** Undefined when no header has a number. */
  readonly number: string | undefined;
  readonly source: CallerIdSource | undefined;
  /** The onward From is to be anonymous unless the carrier link is trusted (R-CID-5). */
  readonly hidden: boolean;
}

/** Chooses the caller number: From, else Remote-Party-ID, else what it asserts or prefers (R-CID-1, R-CID-2, SIP-ID-2). */
export function callerIdOf(identity: CallerIdentity): CallerId {
  const candidates: readonly [CallerIdSource, string | undefined][] = [
    ["From", identity.fromUser],
    ["Remote-Party-ID", identity.remotePartyIdUser],
    ["P-Asserted-Identity", identity.assertedUser],
    // By it a caller chooses among its numbers (RFC 3325 §9.2, SIP-ID-2); whether it is one of them is checked as ever.
    ["P-Preferred-Identity", identity.preferredUser],
  ];
  const asksForPrivacy = hidesIdentity(readPrivacy(identity.privacy));
  for (const [source, user] of candidates) {
    const number = user === undefined ? "" : withoutUserParams(user);
    if (!looksLikeNumber(number)) continue;
    const anonymousFrom = source !== "From" && identity.fromUser?.toLowerCase() === "anonymous";
    return { number, source, hidden: asksForPrivacy || anonymousFrom };
  }
  return { number: undefined, source: undefined, hidden: asksForPrivacy };
}

const PRIVACY_TOKENS: ReadonlySet<string> = new Set(["none", "header", "session", "user", "id", "critical", "history"]);

/** What Privacy headers ask for (RFC 3323 §4.2, RFC 3325 §9.3). */
export interface Privacy {
  readonly tokens: ReadonlySet<string>;
  /** `critical` with a token that we do not know: the request is answered 500 (SIP-ID-4). */
  readonly unmet: boolean;
}

export function readPrivacy(values: readonly string[]): Privacy {
  const tokens = new Set(
    values
      .flatMap((value) => value.split(/[;,]/))
      .map((token) => token.trim().toLowerCase())
      .filter((token) => token !== ""),
  );
  const unknown = [...tokens].some((token) => !PRIVACY_TOKENS.has(token));
  return { tokens, unmet: tokens.has("critical") && unknown };
}

/** True when the caller's identity is to be kept from the next hop; `none` switches it off (RFC 3323 §4.2). */
function hidesIdentity(privacy: Privacy): boolean {
  if (privacy.tokens.has("none")) return false;
  return privacy.tokens.has("id") || privacy.tokens.has("user") || privacy.tokens.has("header");
}

/** True when the destination is allowed: an empty list allows all (R-CID-6). */
export function destinationAllowed(number: string, allowList: readonly string[]): boolean {
  return allowList.length === 0 || allowList.some((prefix) => number.startsWith(prefix));
}
