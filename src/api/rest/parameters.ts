/** Parameters of a request body (`application/x-www-form-urlencoded`), each read and checked by its kind (trunking-rest.md 3.4). */

import { isDeepStrictEqual } from "node:util";
import type { HttpMethod } from "../../base/http.ts";
import { isSid, type SidPrefix } from "../../base/ids.ts";
import type { ParameterTable } from "./description/parts.ts";
import { badParameter } from "./rest-error.ts";

const URL_LENGTH_MAX = 2048;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\x00-\x1f\x7f]/;

/** Told of a parameter that is read otherwise than its description says. */
export type MisreadListener = (text: string) => void;

export class Parameters {
  readonly #values: ReadonlyMap<string, string>;
  readonly #entries: readonly (readonly [string, string])[];
  readonly #table: ParameterTable | undefined;
  readonly #onMisread: MisreadListener | undefined;

  /**
   * The last of several values of one name counts.
   * @param table - how the parameters are described; with `onMisread`, each reading is held against it
   */
  constructor(entries: Iterable<readonly [string, string]>, table?: ParameterTable, onMisread?: MisreadListener) {
    this.#entries = [...entries];
    this.#values = new Map(this.#entries);
    this.#table = table;
    this.#onMisread = onMisread;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** Every value of a name that may be given more than once, or as one value with blanks between; undefined when it is absent. */
  every(name: string): string[] | undefined {
    this.#read(name, { kind: "words" });
    const values = this.#entries.filter(([one]) => one === name).flatMap(([, value]) => value.split(/ +/));
    return values.length === 0 ? undefined : values.filter((value) => value !== "");
  }

  /** @param as - of what kind and within which limits it is read */
  #read(name: string, as: Readonly<Record<string, unknown>> | "required" | "raw"): void {
    if (this.#table === undefined || this.#onMisread === undefined) return;
    const spec = this.#table[name];
    if (spec === undefined) this.#onMisread(`${name} is not described`);
    else if (as === "required") {
      if (spec.required !== true) this.#onMisread(`${name} is required, and not described so`);
    } else if (
      as !== "raw" &&
      Object.entries(as).some(([key, value]) => !isDeepStrictEqual(Reflect.get(spec, key), value))
    )
      this.#onMisread(`${name} is read as ${JSON.stringify(as)}, and described as ${JSON.stringify(spec)}`);
  }

  /** @throws RestError 400 when it is missing or empty */
  required(name: string): string {
    this.#read(name, "required");
    const value = this.#values.get(name);
    if (value === undefined || value === "") throw badParameter(name, "a value is required");
    return value;
  }

  /** As it was given; undefined when it is absent. For documents, whose lines end as they like. */
  raw(name: string): string | undefined {
    this.#read(name, "raw");
    return this.#values.get(name);
  }

  /** Text of at most `most` characters without control characters; undefined when it is absent. */
  text(name: string, most: number): string | undefined {
    this.#read(name, { kind: "text", most });
    const value = this.#values.get(name);
    if (value === undefined) return undefined;
    if ([...value].length > most) throw badParameter(name, `at most ${most} characters`);
    if (CONTROL.test(value)) throw badParameter(name, "control characters are not allowed");
    return value;
  }

  flag(name: string): boolean | undefined {
    this.#read(name, { kind: "flag" });
    const value = this.#values.get(name)?.toLowerCase();
    if (value === undefined) return undefined;
    if (value !== "true" && value !== "false") throw badParameter(name, "true or false");
    return value === "true";
  }

  integer(name: string, least: number, most: number): number | undefined {
    this.#read(name, { kind: "integer", least, most });
    const value = this.#values.get(name);
    if (value === undefined) return undefined;
    const number = /^[0-9]{1,10}$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= least && number <= most)) throw badParameter(name, `a whole number from ${least} to ${most}`);
    return number;
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    this.#read(name, { kind: "choice", of: choices });
    const value = this.#values.get(name);
    if (value === undefined) return undefined;
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw badParameter(name, `one of ${choices.join(", ")}`);
    return found;
  }

  method(name: string): HttpMethod | undefined {
    this.#read(name, { kind: "method" });
    const value = this.#values.get(name)?.toUpperCase();
    if (value === undefined) return undefined;
    if (value !== "GET" && value !== "POST") throw badParameter(name, "GET or POST");
    return value;
  }

  /** An absolute http or https URL; null when it is given empty, which clears it. */
  url(name: string): string | null | undefined {
    this.#read(name, { kind: "url" });
    const value = this.#values.get(name);
    if (value === undefined) return undefined;
    if (value === "") return null;
    // URL would silently leave out what does not belong there.
    const isClean = value.length <= URL_LENGTH_MAX && !CONTROL.test(value) && !/\s/.test(value);
    const isReadable = isClean && URL.canParse(value);
    if (!isReadable || !/^https?:$/.test(new URL(value).protocol))
      throw badParameter(name, `an absolute http or https URL of at most ${URL_LENGTH_MAX} characters`);
    return value;
  }

  /** An identifier of this kind; null when it is given empty, which clears it. Whether it exists is not looked at. */
  sid(name: string, prefix: SidPrefix): string | null | undefined {
    this.#read(name, { kind: "sid", prefix });
    const value = this.#values.get(name);
    if (value === undefined) return undefined;
    if (value === "") return null;
    if (!isSid(value, prefix)) throw badParameter(name, `${prefix} and 32 hexadecimal digits`);
    return value.slice(0, 2) + value.slice(2).toLowerCase();
  }
}
