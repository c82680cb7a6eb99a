/** Attributes of TwiML elements: typed values with defaults, and a warning for each that cannot be used (twiml.md 1.6, 1.8). */

import type { HttpMethod } from "../base/http.ts";
import type { TwimlWarning } from "./verbs.ts";

/** An element of a parsed document. */
export interface Element {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly Element[];
  /** All text directly inside, trimmed. */
  readonly text: string;
  readonly line: number;
}

export const SCHEMA_WARNING = 12200;

/** Collects what is wrong with a document that is run all the same. */
export class Warnings {
  readonly list: TwimlWarning[] = [];

  add(alertCode: number, message: string, line: number): void {
    if (this.list.length < 100) this.list.push({ alertCode, message, line });
  }

  /** For what would have stored audio. */
  addRecording(message: string, line: number): void {
    if (this.list.length < 100) this.list.push({ alertCode: SCHEMA_WARNING, message, line, storesAudio: true });
  }
}

/** Reads the attributes of one element and says which it does not know. */
export class AttributeReader {
  readonly #element: Element;
  readonly #warnings: Warnings;

  constructor(element: Element, known: readonly string[], warnings: Warnings) {
    this.#element = element;
    this.#warnings = warnings;
    for (const name of element.attributes.keys())
      if (!known.includes(name))
        warnings.add(SCHEMA_WARNING, `attribute ${name} is not allowed for ${element.name}`, element.line);
  }

  text(name: string): string | null {
    return this.#element.attributes.get(name) ?? null;
  }

  boolean(name: string, fallback: boolean, alertCode: number): boolean {
    const value = this.text(name)?.toLowerCase();
    if (value === undefined) return fallback;
    if (value === "true" || value === "false") return value === "true";
    return this.#bad(name, fallback, "true or false", alertCode);
  }

  integer(name: string, fallback: number, min: number, max: number, alertCode: number): number {
    const value = this.text(name);
    if (value === null) return fallback;
    const number = /^[0-9]{1,7}$/.test(value.trim()) ? Number(value) : Number.NaN;
    if (number >= min && number <= max) return number;
    return this.#bad(name, fallback, `a whole number from ${min} to ${max}`, alertCode);
  }

  oneOf<T extends string>(name: string, allowed: readonly T[], fallback: T, alertCode: number): T {
    const value = this.text(name);
    if (value === null) return fallback;
    const found = allowed.find((one) => one === value);
    return found ?? this.#bad(name, fallback, allowed.join(", "), alertCode);
  }

  method(name: string, fallback: HttpMethod, alertCode: number): HttpMethod {
    const value = this.text(name);
    if (value === null) return fallback;
    const upper = value.toUpperCase();
    if (upper === "GET" || upper === "POST") return upper;
    return this.#bad(name, fallback, "GET or POST", alertCode);
  }

  /** Values separated by blanks; unknown ones are left out with a warning. */
  list<T extends string>(name: string, allowed: readonly T[], fallback: readonly T[], alertCode: number): readonly T[] {
    const value = this.text(name);
    if (value === null) return fallback;
    const words = value.split(/[ ,]+/).filter((word) => word !== "");
    const known = words.flatMap((word) => allowed.find((one) => one === word) ?? []);
    if (known.length < words.length) this.#bad(name, null, allowed.join(", "), alertCode);
    return known.length > 0 ? known : fallback;
  }

  #bad<T>(name: string, fallback: T, expected: string, alertCode: number): T {
    const value = this.text(name) ?? "";
    this.#warnings.add(
      alertCode,
      `${this.#element.name} ${name}="${value.slice(0, 60)}": expected ${expected}`,
      this.#element.line,
    );
    return fallback;
  }
}
