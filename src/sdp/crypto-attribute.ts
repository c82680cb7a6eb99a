/**
 * `a=crypto` lines: keys for SRTP in the SDP itself (RFC 4568). Two suites, one inline key of 30 octets, no MKI; every
 * other line is well-formed or not but never acceptable, and is passed over (SDP-SEC-3). Error texts never hold a key.
 */

/** The two suites of RFC 4568 §6.2 that we speak. */
export type CryptoSuite = "AES_CM_128_HMAC_SHA1_80" | "AES_CM_128_HMAC_SHA1_32";

/** Master key (16) and master salt (14). */
export const KEY_SALT_LENGTH_BYTES = 30;

const SUITES: readonly string[] = ["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"];
const KEY_SALT_BASE64_LENGTH = 40;
const LIFETIME_PACKETS_MAX = 2 ** 48;
const WINDOW_SIZE_HINT_MIN = 64;

/** A line that we can use. */
export interface CryptoAttribute {
  readonly tag: number;
  readonly suite: CryptoSuite;
  /** 30 octets. */
  readonly keySalt: Uint8Array;
  /** Packets that the key may protect, or null when the line does not say: 2^48 then. */
  readonly lifetimePackets: number | null;
}

/** A line, acceptable or not. */
export type CryptoReading =
  | { readonly acceptable: true; readonly crypto: CryptoAttribute }
  /** `tag` is NaN when it could not be read. */
  | { readonly acceptable: false; readonly tag: number; readonly why: string };

/**
 * Reads the value of one `a=crypto:` attribute (RFC 4568 §9.1).
 * @param value - text after `a=crypto:`
 */
export function readCrypto(value: string): CryptoReading {
  const [tagText, suite, keyParams, ...sessionParams] = value.split(/[ \t]/).filter((word) => word !== "");
  const tag = tagText !== undefined && /^[0-9]{1,9}$/.test(tagText) ? Number(tagText) : Number.NaN;
  const refuse = (why: string): CryptoReading => ({ acceptable: false, tag, why });
  if (Number.isNaN(tag)) return refuse("the tag is not a number of one to nine digits");
  if (suite === undefined || keyParams === undefined) return refuse("suite or key is missing");
  if (!SUITES.includes(suite)) return refuse("the suite is not supported");

  if (keyParams.includes(";")) return refuse("several keys need an MKI, which is not supported");
  if (!keyParams.startsWith("inline:")) return refuse("the key method is not inline");
  const [base64, ...keyInfo] = keyParams.slice("inline:".length).split("|") as [string, ...string[]];
  let lifetimePackets: number | null = null;
  if (keyInfo.some((part) => part.includes(":"))) return refuse("it has an MKI, which is not supported");
  if (keyInfo.length > 1) return refuse("the key has unknown parts");
  if (keyInfo.length === 1) {
    lifetimePackets = parseLifetime(keyInfo[0]!);
    if (Number.isNaN(lifetimePackets)) return refuse("the lifetime is not from 1 to 2^48 packets");
  }
  if (base64.length !== KEY_SALT_BASE64_LENGTH || !/^[A-Za-z0-9+/]+$/.test(base64))
    return refuse(`key and salt are not ${KEY_SALT_BASE64_LENGTH} base64 characters`);

  for (const param of sessionParams) {
    const why = refusedSessionParam(param);
    if (why !== null) return refuse(why);
  }
  const keySalt = new Uint8Array(Buffer.from(base64, "base64"));
  return { acceptable: true, crypto: { tag, suite: suite as CryptoSuite, keySalt, lifetimePackets } };
}

/**
 * The lines of one media description that we can use, in the offerer's order of preference (SDP-SEC-2). A tag that
 * comes twice names no line, so all lines that carry it are left out (RFC 4568 §4.1).
 * @param values - texts after `a=crypto:`
 */
export function acceptableCrypto(values: readonly string[]): {
  acceptable: readonly CryptoAttribute[];
  refused: readonly string[];
} {
  const readings = values.map(readCrypto);
  const count = new Map<number, number>();
  for (const reading of readings) {
    const tag = tagOf(reading);
    count.set(tag, (count.get(tag) ?? 0) + 1);
  }
  const acceptable: CryptoAttribute[] = [];
  const refused: string[] = [];
  for (const reading of readings) {
    const tag = tagOf(reading);
    const name = Number.isNaN(tag) ? "a line without a tag" : `tag ${tag}`;
    if (!reading.acceptable) refused.push(`${name}: ${reading.why}`);
    else if (count.get(tag)! > 1) refused.push(`${name}: the tag comes more than once`);
    else acceptable.push(reading.crypto);
  }
  return { acceptable, refused };
}

/** The value of an `a=crypto:` attribute of ours: no lifetime, no MKI, no session parameters (SDP-SEC-1). */
export function formatCrypto(crypto: Pick<CryptoAttribute, "tag" | "suite" | "keySalt">): string {
  if (crypto.keySalt.length !== KEY_SALT_LENGTH_BYTES)
    throw new RangeError(`keySalt must be ${KEY_SALT_LENGTH_BYTES} octets, got ${crypto.keySalt.length}`);
  return `${crypto.tag} ${crypto.suite} inline:${Buffer.from(crypto.keySalt).toString("base64")}`;
}

/** True for the same suite and the same key; whether two lines continue one SRTP context (SDP-SEC-6). */
export function sameKey(
  a: Pick<CryptoAttribute, "suite" | "keySalt">,
  b: Pick<CryptoAttribute, "suite" | "keySalt">,
): boolean {
  return a.suite === b.suite && Buffer.compare(a.keySalt, b.keySalt) === 0;
}

function tagOf(reading: CryptoReading): number {
  return reading.acceptable ? reading.crypto.tag : reading.tag;
}

/** Packets, or NaN. Decimal or `2^n` (RFC 4568 §6.1). */
function parseLifetime(text: string): number {
  const power = text.startsWith("2^");
  const digits = power ? text.slice(2) : text;
  if (!/^[0-9]{1,15}$/.test(digits)) return Number.NaN;
  const packets = power ? 2 ** Number(digits) : Number(digits);
  return packets >= 1 && packets <= LIFETIME_PACKETS_MAX ? packets : Number.NaN;
}

/** Why this session parameter makes its line unusable, or null (RFC 4568 §6.3; SDP-SEC-3, SDP-SEC-4). */
function refusedSessionParam(param: string): string | null {
  // A leading "-" marks an extension that whoever does not know it may ignore (RFC 4568 §6.3.7).
  if (param.startsWith("-")) return null;
  if (param === "KDR=0") return null;
  if (param.startsWith("WSH=")) {
    const digits = param.slice(4);
    const fits = /^[0-9]{1,9}$/.test(digits) && Number(digits) >= WINDOW_SIZE_HINT_MIN;
    return fits ? null : `WSH is below ${WINDOW_SIZE_HINT_MIN}`;
  }
  const name = param.split("=", 1)[0]!;
  if (name === "KDR") return "a key derivation rate other than 0 is not supported";
  if (name.startsWith("UNENCRYPTED_") || name.startsWith("UNAUTHENTICATED_")) return "it switches protection off";
  return "it has a session parameter that is not supported";
}
