/**
 * Takes the secrets out of a SIP message before it is kept (SRTP-11, R-SEC-11, R-COMP-8): keys of session descriptions,
 * what answers a digest challenge, passwords in URIs, tokens in headers and parameters, and every body that is no session
 * description (digits of INFO above all). It works on octets in place, line by line in one pass, and does not rely on the
 * message being well formed: what cannot be read with certainty is masked.
 */

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const QUOTE = 34;
const STAR = 42;
const COMMA = 44;
const COLON = 58;
const EQUALS = 61;
const BACKSLASH = 92;
const LETTER_A = 97;
const LETTER_K = 107;
const BAR = 124;

/** Runs of base64 at least this long in a body are taken for a key, wherever they stand: a master key and salt has 40. */
const KEY_RUN_MIN = 30;
/** On a line that is about keys, shorter ones too: no name of a suite has a part as long as this. */
const SHORT_RUN_MIN = 16;
const PARAMETER_NAME_MAX = 40;

type HeaderKind = "safe" | "plain" | "credentials" | "secret" | "call-id" | "content-type" | "content-encoding";

/** Fields of a digest that are no secret; all others are masked. */
const SHOWN_FIELDS: ReadonlySet<number> = new Set(
  "username realm nonce nextnonce uri algorithm qop nc opaque".split(" ").map(hashOfText),
);

/** Names that need no look at their letters; those of `safe` ones cannot hold anything that a secret fits into. */
const KNOWN_KINDS: ReadonlyMap<number, HeaderKind> = new Map(
  (
    [
      ["credentials", "authorization proxy-authorization authentication-info proxy-authentication-info"],
      ["call-id", "call-id i"],
      ["content-type", "content-type c"],
      ["content-encoding", "content-encoding e"],
      [
        "safe",
        "via v cseq max-forwards allow supported k content-length l session-expires x min-se rseq rack expires date",
      ],
      [
        "plain",
        "from f to t contact m record-route route user-agent server reason warning subject s require accept allow-events " +
          "proxy-authenticate www-authenticate p-asserted-identity p-preferred-identity remote-party-id privacy diversion " +
          "refer-to r referred-by b replaces event o user-to-user retry-after alert-info call-info content-disposition a b n",
      ],
    ] as const
  ).flatMap(([kind, names]) => names.split(" ").map((name): [number, HeaderKind] => [hashOfText(name), kind])),
);

const SECRET_WORDS = ["token", "secret", "passw", "pwd", "key", "cookie", "credential", "signature", "bearer", "jwt"];

/** Masks the secrets of one SIP message that stands in `octets` from `start` to `end`. Lengths stay as they are. */
export function maskSecrets(octets: Uint8Array, start: number, end: number): void {
  let body: "sdp" | "lines" | "other" | undefined;
  let at = start;
  let isFirst = true;
  while (at < end) {
    let lineEnd = endOfLine(octets, at, end);
    if (lineEnd === at) {
      maskBody(octets, afterLine(octets, at, end), end, body ?? "other");
      return;
    }
    // Folded lines belong to the header above (RFC 3261 §7.3.1).
    let next = afterLine(octets, lineEnd, end);
    while (next < end && isBlank(octets[next]!)) {
      lineEnd = endOfLine(octets, next, end);
      next = afterLine(octets, lineEnd, end);
    }
    if (isFirst) maskValues(octets, at, lineEnd);
    else {
      const colon = indexOf(octets, COLON, at, lineEnd);
      // A line without a name is no header, and what it is cannot be known.
      const kind = colon < 0 ? "secret" : kindOf(octets, at, colon);
      const value = colon < 0 ? at : colon + 1;
      if (kind === "credentials") maskCredentials(octets, value, lineEnd);
      else if (kind === "secret") wipe(octets, value, lineEnd);
      else if (kind === "content-encoding") body = "other";
      else if (kind === "content-type") body = body === undefined ? bodyKind(octets, value, lineEnd) : "other";
      else if (kind === "plain") maskValues(octets, value, lineEnd);
    }
    isFirst = false;
    at = next;
  }
}

function kindOf(octets: Uint8Array, start: number, colon: number): HeaderKind {
  let end = colon;
  while (end > start && isBlank(octets[end - 1]!)) end--;
  const known = KNOWN_KINDS.get(hashOf(octets, start, end));
  if (known !== undefined) return known;
  const name = textOf(octets, start, Math.min(end, start + PARAMETER_NAME_MAX * 2));
  return isSecretName(name.toLowerCase()) ? "secret" : "plain";
}

function isSecretName(lower: string): boolean {
  if (lower === "sig" || lower === "auth" || lower.startsWith("x-auth")) return true;
  return SECRET_WORDS.some((word) => lower.includes(word));
}

function bodyKind(octets: Uint8Array, start: number, end: number): "sdp" | "lines" | "other" {
  const at = skipBlank(octets, start, end);
  if (startsWith(octets, at, end, "application/sdp")) return "sdp";
  const hasLines = startsWith(octets, at, end, "multipart/") || startsWith(octets, at, end, "message/sipfrag");
  return hasLines ? "lines" : "other";
}

/** The value of Authorization and its like: all but the fields that are no secret. */
function maskCredentials(octets: Uint8Array, start: number, end: number): void {
  let at = skipBlank(octets, start, end);
  const wordStart = at;
  while (at < end && !isBreak(octets[at]!) && octets[at] !== EQUALS && octets[at] !== COMMA) at++;
  if (octets[at] === EQUALS || at === end) at = wordStart;
  else if (at - wordStart !== 6 || !startsWith(octets, wordStart, at, "digest")) {
    wipe(octets, at, end);
    return;
  }
  while (at < end) {
    const nameStart = skipBlank(octets, at, end);
    const equals = indexOf(octets, EQUALS, nameStart, end);
    if (equals < 0) {
      wipe(octets, nameStart, end);
      return;
    }
    let comma = equals;
    while (comma > nameStart && octets[comma - 1] !== COMMA) comma--;
    if (comma > nameStart) {
      wipe(octets, nameStart, comma - 1);
      at = comma;
      continue;
    }
    let nameEnd = equals;
    while (nameEnd > nameStart && isBreak(octets[nameEnd - 1]!)) nameEnd--;
    const valueStart = skipBlank(octets, equals + 1, end);
    const valueEnd = endOfValue(octets, valueStart, end);
    const isOpen = octets[valueStart] === QUOTE && (valueEnd === valueStart + 1 || octets[valueEnd - 1] !== QUOTE);
    if (!SHOWN_FIELDS.has(hashOf(octets, nameStart, nameEnd)) || isOpen) wipe(octets, valueStart, valueEnd);
    else maskValues(octets, valueStart, valueEnd);
    const after = indexOf(octets, COMMA, valueEnd, end);
    // Nothing but blanks may stand between a value and the comma.
    wipe(octets, valueEnd, after < 0 ? end : after);
    at = after < 0 ? end : after + 1;
  }
}

/** Octets that `maskValues` stops at. */
const IS_MARK = tableOf(' \t\r\n",<>:@=Ii');
const IS_BASE64 = tableOf("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

function tableOf(letters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const letter of letters) table[letter.charCodeAt(0)] = 1;
  return table;
}

/** Behind a quoted string or a token. A quoted string that does not end reaches to the end. */
function endOfValue(octets: Uint8Array, start: number, end: number): number {
  let at = start;
  if (octets[at] !== QUOTE) {
    while (at < end && octets[at] !== COMMA) at++;
    return at;
  }
  for (at++; at < end; at++) {
    if (octets[at] === BACKSLASH) at++;
    else if (octets[at] === QUOTE) return at + 1;
  }
  return end;
}

/**
 * Passwords of user infos (`scheme:user:password@`), parameters with telling names, and keys of SDES in whatever stands
 * between `start` and `end`.
 */
function maskValues(octets: Uint8Array, start: number, end: number): void {
  // Colons of the current word: the second one begins a password when an @ follows.
  let colons = 0;
  let passwordStart = 0;
  for (let at = start; at < end; at++) {
    if (IS_MARK[octets[at]!] === 0) continue;
    switch (octets[at]) {
      case SPACE:
      case TAB:
      case CR:
      case LF:
      case QUOTE:
      case COMMA:
      case 60: // <
      case 62: // >
        colons = 0;
        break;
      case COLON:
        if (++colons === 2) passwordStart = at + 1;
        break;
      case 64: // @
        if (colons >= 2) wipe(octets, passwordStart, at);
        break;
      case EQUALS:
        at = maskParameter(octets, start, at, end);
        break;
      case 73: // I
      case 105:
        at = maskInline(octets, at, end);
        break;
    }
  }
}

/** Names that come all the time. */
const SAFE_PARAMETERS: ReadonlySet<number> = new Set(
  "tag branch received rport transport user lr refresher expires realm nonce uri algorithm qop opaque stale cause text reason privacy counter"
    .split(" ")
    .map(hashOfText),
);

/** `name=value` at its `=`: the value when the name tells of a secret. Returns where to go on. */
function maskParameter(octets: Uint8Array, start: number, equals: number, end: number): number {
  const first = Math.max(start, equals - PARAMETER_NAME_MAX);
  let nameStart = equals;
  while (nameStart > first && isNameOctet(octets[nameStart - 1]!)) nameStart--;
  // The shortest telling names have three letters.
  if (equals - nameStart < 3 || SAFE_PARAMETERS.has(hashOf(octets, nameStart, equals))) return equals;
  if (!isSecretName(textOf(octets, nameStart, equals).toLowerCase())) return equals;
  let stop = equals + 1;
  if (octets[stop] === QUOTE) stop = endOfValue(octets, stop, end);
  else while (stop < end && !endsParameter(octets[stop]!)) stop++;
  wipe(octets, equals + 1, stop);
  return stop - 1;
}

/** `inline:` and what follows it up to the lifetime (RFC 4568 §6.1), also in escaped forms. Returns where to go on. */
function maskInline(octets: Uint8Array, start: number, end: number): number {
  const head = "inline";
  for (let index = 1; index < head.length; index++)
    if (start + index >= end || (octets[start + index]! | 32) !== head.charCodeAt(index)) return start;
  let at = start + head.length;
  if (octets[at] === COLON) at++;
  else if ((octets[at] === 37 || octets[at] === EQUALS) && octets[at + 1] === 51 && (octets[at + 2]! | 32) === 97)
    at += 3; // %3A of a URI, =3A of quoted-printable
  else return start;
  while (at < end && isBlank(octets[at]!)) at++;
  const keyStart = Math.min(at, end);
  while (at < end && octets[at] !== BAR && octets[at] !== 59 && !isBreak(octets[at]!)) at++;
  wipe(octets, keyStart, at);
  return Math.max(start, Math.min(at, end) - 1);
}

function maskBody(octets: Uint8Array, start: number, end: number, kind: "sdp" | "lines" | "other"): void {
  if (kind === "other") {
    wipe(octets, start, end);
    return;
  }
  let at = start;
  let isSecretBefore = false;
  while (at < end) {
    const lineEnd = endOfLine(octets, at, end);
    const text = skipBlank(octets, at, lineEnd);
    const first = octets[text]! | 32;
    const isKeyLine = first === LETTER_A && startsWith(octets, text, lineEnd, "a=crypto");
    if (
      (first === LETTER_K && startsWith(octets, text, lineEnd, "k=")) ||
      (first === LETTER_A &&
        (startsWith(octets, text, lineEnd, "a=key-mgmt") || startsWith(octets, text, lineEnd, "a=ice-pwd")))
    )
      wipe(octets, Math.min(text + 2, lineEnd), lineEnd);
    else if (kind === "lines") {
      // A part that is encoded cannot be looked into.
      if (
        startsWith(octets, text, lineEnd, "content-transfer-encoding") ||
        startsWith(octets, text, lineEnd, "content-encoding")
      ) {
        wipe(octets, lineEnd, end);
        return;
      }
      if (text > at && isSecretBefore) wipe(octets, text, lineEnd);
      else {
        const colon = indexOf(octets, COLON, text, lineEnd);
        const named = colon < 0 ? "plain" : kindOf(octets, text, colon);
        isSecretBefore = named === "credentials" || named === "secret";
        if (isSecretBefore) wipe(octets, colon + 1, lineEnd);
      }
    }
    maskValues(octets, text, lineEnd);
    maskRuns(octets, text, lineEnd, isKeyLine ? SHORT_RUN_MIN : KEY_RUN_MIN);
    at = afterLine(octets, lineEnd, end);
  }
}

/** Long runs of base64. */
function maskRuns(octets: Uint8Array, start: number, end: number, lengthMin: number): void {
  if (end - start < lengthMin) return;
  let runStart = start;
  for (let at = start; at <= end; at++) {
    if (at < end && IS_BASE64[octets[at]!] === 1) continue;
    if (at - runStart >= lengthMin) wipe(octets, runStart, at);
    runStart = at + 1;
  }
}

/** Everything but blanks and line ends becomes a star. */
function wipe(octets: Uint8Array, start: number, end: number): void {
  for (let at = start; at < end; at++) if (!isBreak(octets[at]!)) octets[at] = STAR;
}

function startsWith(octets: Uint8Array, start: number, end: number, lower: string): boolean {
  if (end - start < lower.length) return false;
  for (let index = 0; index < lower.length; index++) {
    const octet = octets[start + index]!;
    const folded = octet >= 65 && octet <= 90 ? octet | 32 : octet;
    if (folded !== lower.charCodeAt(index)) return false;
  }
  return true;
}

function endOfLine(octets: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && octets[at] !== CR && octets[at] !== LF) at++;
  return at;
}

function afterLine(octets: Uint8Array, lineEnd: number, end: number): number {
  if (lineEnd >= end) return end;
  return octets[lineEnd] === CR && octets[lineEnd + 1] === LF ? Math.min(lineEnd + 2, end) : lineEnd + 1;
}

function skipBlank(octets: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && isBreak(octets[at]!)) at++;
  return at;
}

function indexOf(octets: Uint8Array, octet: number, start: number, end: number): number {
  for (let at = start; at < end; at++) if (octets[at] === octet) return at;
  return -1;
}

function isBlank(octet: number): boolean {
  return octet === SPACE || octet === TAB;
}

function isBreak(octet: number): boolean {
  return octet === SPACE || octet === TAB || octet === CR || octet === LF;
}

/** Letters, digits and what else names of parameters have. */
function isNameOctet(octet: number): boolean {
  const folded = octet | 32;
  return (
    (folded >= 97 && folded <= 122) || (octet >= 48 && octet <= 57) || octet === 45 || octet === 95 || octet === 46
  );
}

function endsParameter(octet: number): boolean {
  return isBreak(octet) || octet === 59 || octet === 38 || octet === COMMA || octet === 62 || octet === QUOTE;
}

/** FNV-1a of a name in lower case, with its length. */
function hashOf(octets: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) {
    const octet = octets[at]!;
    hash = Math.imul(hash ^ (octet >= 65 && octet <= 90 ? octet | 32 : octet), 0x01000193);
  }
  // A small integer, which costs no allocation.
  return (hash ^ Math.imul(end - start, 0x9e3779b1)) & 0x3fffffff;
}

function hashOfText(text: string): number {
  return hashOf(Buffer.from(text), 0, text.length);
}

function textOf(octets: Uint8Array, start: number, end: number): string {
  return Buffer.from(octets.buffer, octets.byteOffset + start, Math.max(0, end - start)).toString("latin1");
}
