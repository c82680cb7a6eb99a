/**
 * The ordered header list of one message (RFC 3261 §7.3). Names are long and in their usual spelling whichever form they
 * came in, so that no compact form or odd case hides a header from whoever looks for it (hardening R3).
 */

import { canonicalName, lowerName } from "./header-names.ts";
import { hasControl, isToken, splitList, trimBlanks } from "./tokens.ts";

export { canonicalName } from "./header-names.ts";

/** Headers that are fields of the message; in the list they would stand twice on the wire. */
const FIELDS: ReadonlySet<string> = new Set(["Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length"]);

/** Values have no control character but TAB and no blanks at their ends. Look-up ignores case and knows compact names. */
export class Headers {
  readonly #names: string[] = [];
  readonly #values: string[] = [];
  /** The names in lower case, index by index. */
  readonly #keys: string[] = [];

  /** First value, or undefined. */
  get(name: string): string | undefined {
    const index = this.#keys.indexOf(keyOf(name));
    return index < 0 ? undefined : this.#values[index];
  }

  /** All values in order, one per header line (comma lists not split). */
  all(name: string): string[] {
    const key = keyOf(name);
    const values: string[] = [];
    for (let i = this.#keys.indexOf(key); i >= 0; i = this.#keys.indexOf(key, i + 1)) values.push(this.#values[i]!);
    return values;
  }

  /**
   * All values in order, comma lists split (SIP-MSG-5). Not for credentials, challenges and Date, where the comma belongs
   * to the value.
   * @throws SipParseError 400 for a quote or an angle bracket that is not closed
   */
  list(name: string): string[] {
    return this.all(name).flatMap((line) => splitList(line, canonicalName(name)));
  }

  has(name: string): boolean {
    return this.#keys.includes(keyOf(name));
  }

  /**
   * Appends a line.
   * @throws TypeError for a name that is no token or a field of the message, or a value with CR, LF, NUL or another
   * control character (hardening R4)
   */
  add(name: string, value: string): this {
    if (!isToken(name)) throw new TypeError(`header name is no token: ${JSON.stringify(name.slice(0, 40))}`);
    const canonical = canonicalName(name);
    if (FIELDS.has(canonical)) throw new TypeError(`${canonical} is a field of the message, not of its header list`);
    if (hasControl(value)) throw new TypeError(`value of ${canonical.slice(0, 40)} holds a control character`);
    this.#names.push(canonical);
    this.#values.push(trimBlanks(value));
    this.#keys.push(lowerName(canonical));
    return this;
  }

  /** Replaces all lines of that name by one. @throws TypeError as `add` does */
  set(name: string, value: string): this {
    this.remove(name);
    return this.add(name, value);
  }

  remove(name: string): void {
    const key = keyOf(name);
    for (let i = this.#keys.length - 1; i >= 0; i--) {
      if (this.#keys[i] !== key) continue;
      this.#names.splice(i, 1);
      this.#values.splice(i, 1);
      this.#keys.splice(i, 1);
    }
  }

  *[Symbol.iterator](): Iterator<readonly [name: string, value: string]> {
    for (let i = 0; i < this.#names.length; i++) yield [this.#names[i]!, this.#values[i]!];
  }

  get size(): number {
    return this.#names.length;
  }
}

function keyOf(name: string): string {
  return lowerName(canonicalName(name));
}
