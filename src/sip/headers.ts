/** The ordered header list of one message (RFC 3261 §7.3). */

import { hasControl, isToken } from "./tokens.ts";

/** RFC 3261 §7.3.3 and the registry of header fields (SIP-MSG-4). */
const COMPACT: ReadonlyMap<string, string> = new Map([
  ["a", "Accept-Contact"],
  ["b", "Referred-By"],
  ["c", "Content-Type"],
  ["d", "Request-Disposition"],
  ["e", "Content-Encoding"],
  ["f", "From"],
  ["i", "Call-ID"],
  ["j", "Reject-Contact"],
  ["k", "Supported"],
  ["l", "Content-Length"],
  ["m", "Contact"],
  ["n", "Identity-Info"],
  ["o", "Event"],
  ["r", "Refer-To"],
  ["s", "Subject"],
  ["t", "To"],
  ["u", "Allow-Events"],
  ["v", "Via"],
  ["x", "Session-Expires"],
  ["y", "Identity"],
]);

/** Spellings that capitalising each word would get wrong. */
const SPELLING: ReadonlyMap<string, string> = new Map([
  ["call-id", "Call-ID"],
  ["cseq", "CSeq"],
  ["mime-version", "MIME-Version"],
  ["rseq", "RSeq"],
  ["rack", "RAck"],
  ["www-authenticate", "WWW-Authenticate"],
  ["min-se", "Min-SE"],
]);

const known = new Map<string, string>();
const KNOWN_MAX = 1000;

/** The long name in its usual spelling: `v` and `VIA` give `Via`; `x-account` keeps what was sent. */
export function canonicalName(name: string): string {
  const cached = known.get(name);
  if (cached !== undefined) return cached;
  const lower = name.toLowerCase();
  const canonical =
    COMPACT.get(lower) ??
    SPELLING.get(lower) ??
    // Unknown X- headers go to webhooks under the name that was received.
    (lower.startsWith("x-") ? name : lower.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase()));
  if (known.size < KNOWN_MAX) known.set(name, canonical);
  return canonical;
}

/** Header names are kept in their long, canonical spelling; look-up ignores case. */
export class Headers {
  readonly #list: [name: string, value: string][] = [];
  readonly #lower: string[] = [];

  /** First value, or undefined. */
  get(name: string): string | undefined {
    const index = this.#lower.indexOf(name.toLowerCase());
    return index < 0 ? undefined : this.#list[index]![1];
  }

  /** All values in order, one per header line (comma lists not split). */
  all(name: string): string[] {
    const lower = name.toLowerCase();
    const values: string[] = [];
    for (let i = 0; i < this.#lower.length; i++) if (this.#lower[i] === lower) values.push(this.#list[i]![1]);
    return values;
  }

  has(name: string): boolean {
    return this.#lower.includes(name.toLowerCase());
  }

  /**
   * Appends a line.
   * @throws TypeError for a name that is no token, or a value with CR, LF, NUL or another control character (hardening R4)
   */
  add(name: string, value: string): this {
    if (!isToken(name)) throw new TypeError(`header name is no token: ${JSON.stringify(name.slice(0, 40))}`);
    if (hasControl(value)) throw new TypeError(`value of ${name} holds a control character`);
    this.#list.push([name, value]);
    this.#lower.push(name.toLowerCase());
    return this;
  }

  /** Replaces all lines of that name by one. */
  set(name: string, value: string): this {
    this.remove(name);
    return this.add(name, value);
  }

  remove(name: string): void {
    const lower = name.toLowerCase();
    for (let i = this.#lower.length - 1; i >= 0; i--) {
      if (this.#lower[i] !== lower) continue;
      this.#list.splice(i, 1);
      this.#lower.splice(i, 1);
    }
  }

  [Symbol.iterator](): Iterator<[name: string, value: string]> {
    return this.#list[Symbol.iterator]();
  }

  get size(): number {
    return this.#list.length;
  }
}
