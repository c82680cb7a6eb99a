/**
 * A configuration file as a tree that knows where each value stands: YAML read without types, so that every scalar is
 * text, with line and column of every path. What a path leads to may also come from an environment variable.
 */

import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, Scalar } from "yaml";

/** Keys and indexes from the root. */
export type ConfigPath = readonly (string | number)[];

/** What is wrong, and where. */
export interface ConfigProblem {
  readonly path: ConfigPath;
  /** Text after the place and the key. */
  readonly message: string;
  /** The key itself is wrong, not its value. */
  readonly atKey?: boolean;
}

/** More than any gateway needs; keeps a wrong file name from being read for minutes. */
const LENGTH_MAX = 8 * 1024 * 1024;

const ENVIRONMENT_REFERENCE = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/;

export class ConfigDocument {
  /** Maps, lists and texts; null-prototype objects, since keys come from outside. */
  readonly value: unknown;
  /** What the reader of YAML itself had to say, with line and column in the text. */
  readonly syntaxProblems: readonly string[];
  readonly #file: string;
  readonly #root: Node | null;
  readonly #lines = new LineCounter();
  /** Paths whose value came from the environment → name of the variable. */
  readonly #variables = new Map<string, string>();
  readonly #problems: ConfigProblem[] = [];

  /**
   * @param file - name for messages
   * @param environment - for values of the form `${NAME}`
   */
  constructor(text: string, file: string, environment: Readonly<Record<string, string | undefined>>) {
    this.#file = file;
    if (text.length > LENGTH_MAX) {
      this.#root = null;
      this.value = Object.create(null);
      this.syntaxProblems = [`${file}: longer than ${LENGTH_MAX} characters`];
      return;
    }
    const document = parseDocument(text, { schema: "failsafe", lineCounter: this.#lines, prettyErrors: false });
    this.#root = document.contents;
    this.syntaxProblems = document.errors.map((error) => {
      const { line, col } = this.#lines.linePos(error.pos[0]);
      return `${file}:${line}:${col}: ${error.message}`;
    });
    const value = this.syntaxProblems.length > 0 ? undefined : this.#plain(document.contents, [], environment);
    this.value = value ?? Object.create(null);
  }

  /** Problems found while values were put in from the environment. */
  get problems(): readonly ConfigProblem[] {
    return this.#problems;
  }

  /** Says that the value at `path` is that of an environment variable. */
  setFromVariable(path: ConfigPath, value: unknown, variable: string): void {
    let at = this.value as Record<string, unknown>;
    for (const key of path.slice(0, -1)) {
      const below = at[key];
      if (typeof below !== "object" || below === null || Array.isArray(below)) at[key] = Object.create(null);
      at = at[key] as Record<string, unknown>;
    }
    at[path.at(-1)!] = value;
    this.#variables.set(path.join("."), variable);
  }

  /** `file:line:column`, or the variable that the value came from. For a key that is missing: its parent. */
  where(path: ConfigPath, atKey = false): string {
    for (let length = path.length; length > 0; length--) {
      const variable = this.#variables.get(path.slice(0, length).join("."));
      if (variable !== undefined) return `environment variable ${variable}`;
    }
    const offset = this.#offsetOf(path, atKey);
    if (offset === undefined) return this.#file;
    const { line, col } = this.#lines.linePos(offset);
    return `${this.#file}:${line}:${col}`;
  }

  /** What stands at the path, in words, or null when nothing does. */
  found(path: ConfigPath): string | null {
    let value = this.value;
    for (const key of path) {
      if (typeof value !== "object" || value === null) return null;
      value = (value as Record<string | number, unknown>)[key];
    }
    if (value === undefined) return null;
    if (Array.isArray(value)) return "a list";
    if (typeof value === "object") return "a map";
    const text = String(value);
    return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text);
  }

  #offsetOf(path: ConfigPath, atKey: boolean): number | undefined {
    let node: Node | null = this.#root;
    let offset = node?.range?.[0];
    for (const [index, step] of path.entries()) {
      const last = index === path.length - 1;
      if (isMap(node)) {
        const pair = node.items.find((item) => keyOf(item) === String(step));
        if (pair === undefined) return offset;
        const key = pair.key as Node;
        node = pair.value as Node | null;
        offset = (last && atKey) || node?.range == null ? key.range?.[0] : node.range[0];
      } else if (isSeq(node) && typeof step === "number") {
        node = (node.items[step] ?? null) as Node | null;
        if (node === null) return offset;
        offset = node.range?.[0];
      } else {
        return offset;
      }
    }
    return offset;
  }

  /** Plain values; a key with nothing behind it is left out, as if it were not there. */
  #plain(node: unknown, path: ConfigPath, environment: Readonly<Record<string, string | undefined>>): unknown {
    if (isMap(node)) {
      const map: Record<string, unknown> = Object.create(null);
      for (const pair of node.items) {
        const key = keyOf(pair);
        if (isEmpty(pair.value)) continue;
        map[key] = this.#plain(pair.value, [...path, key], environment);
      }
      return map;
    }
    if (isSeq(node)) return node.items.map((item, index) => this.#plain(item, [...path, index], environment));
    if (!isScalar(node)) return undefined;
    const text = String(node.value);
    const name = ENVIRONMENT_REFERENCE.exec(text)?.[1];
    if (name === undefined) return text;
    const value = environment[name];
    if (value === undefined)
      this.#problems.push({ path, message: `found \${${name}}, but there is no environment variable of that name` });
    return value ?? "";
  }
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
}

function isEmpty(node: unknown): boolean {
  return node === null || (node instanceof Scalar && node.type === Scalar.PLAIN && node.source === "");
}
