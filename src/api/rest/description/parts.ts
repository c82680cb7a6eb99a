/**
 * What a description of a resource is made of. Each resource has one in the tables of this folder: its paths, the parameters of its
 * body, the filters of its list, and every property of its answer. From them comes the OpenAPI document (`../openapi.ts`), and the
 * tests of bad input and of answers take their cases from them.
 *
 * The rule for a new resource or parameter: add it to a table here. Tests fail when a route has no description, when a handler
 * reads a parameter that its table does not have or reads it by other limits, and when an answer has a property more or less.
 */

/** One parameter; how it is read is said by `Parameters`, by methods of the same names. */
export type ParameterSpec = {
  readonly required?: boolean;
  readonly about?: string;
  /** Code of the error where it is not 20001. */
  readonly code?: number;
  /** Empty is allowed and clears it, where the kind says nothing of it. */
  readonly clears?: boolean;
} & ParameterKind;

type ParameterKind =
  | { readonly kind: "text"; readonly most: number }
  | { readonly kind: "flag" }
  | { readonly kind: "integer"; readonly least: number; readonly most: number }
  | { readonly kind: "choice"; readonly of: readonly string[] }
  | { readonly kind: "method" }
  /** Empty clears it. */
  | { readonly kind: "url" }
  /** Empty clears it, unless it is required. */
  | { readonly kind: "sid"; readonly prefix: string }
  /** Text that may hold line ends. */
  | { readonly kind: "document"; readonly most: number }
  /** Some of these, as several parameters of the name or as one with blanks between. */
  | { readonly kind: "words"; readonly of: readonly string[] };

export type ParameterTable = Readonly<Record<string, ParameterSpec>>;

/** JSON Schema 2020-12, as far as it is used here. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly [keyword: string]: unknown;
}

/** A resource: up to five routes over one or two paths, in the form of OpenAPI (`/v1/Trunks/{trunk}`). */
export interface ResourceDescription {
  /** For headings: `Trunk`. */
  readonly name: string;
  readonly about: string;
  readonly collection?: string;
  readonly item?: string;
  /** Key of the rows in a list; absent when there is none. */
  readonly key?: string;
  /** What lists can be filtered by; where there is no list, what the item is asked with. */
  readonly filters?: ParameterTable;
  /** POST on the collection. */
  readonly create?: ParameterTable;
  /** Default 201. */
  readonly createStatus?: number;
  /** What a create shows, when it is something else than the item. */
  readonly createShows?: Schema;
  /** GET on the item; default true when there is one. */
  readonly fetch?: false;
  /** POST on the item. */
  readonly update?: ParameterTable;
  /** Default 200. */
  readonly updateStatus?: number;
  readonly remove?: true;
  /** Every property of an answer. */
  readonly shows: Schema;
  /** What a row of a list shows, and the answer that makes or changes one, when an item that is fetched shows more. */
  readonly rowShows?: Schema;
}

export const text = (most: number, about?: string): ParameterSpec => spec({ kind: "text", most }, about);
export const flag = (about?: string): ParameterSpec => spec({ kind: "flag" }, about);
export const integer = (least: number, most: number, about?: string): ParameterSpec =>
  spec({ kind: "integer", least, most }, about);
export const choice = (of: readonly string[], about?: string): ParameterSpec => spec({ kind: "choice", of }, about);
export const method = (about?: string): ParameterSpec => spec({ kind: "method" }, about);
export const url = (about?: string): ParameterSpec => spec({ kind: "url" }, about);
export const sid = (prefix: string, about?: string): ParameterSpec => spec({ kind: "sid", prefix }, about);
export const document = (most: number, about?: string): ParameterSpec => spec({ kind: "document", most }, about);
export const words = (of: readonly string[], about?: string): ParameterSpec => spec({ kind: "words", of }, about);
/** A parameter of which the error has a code of its own. */
export const coded = (code: number, one: ParameterSpec): ParameterSpec => ({ ...one, code });
export const required = (one: ParameterSpec): ParameterSpec => ({ ...one, required: true });

function spec(kind: ParameterKind, about: string | undefined): ParameterSpec {
  return about === undefined ? kind : { ...kind, about };
}

/** How calls leave a trunk: only this gateway has these (SIP-ID-1, SIP-ID-10, SIP-ID-11, DTMF-7). */
export const LINK_PARAMETERS: ParameterTable = {
  Trusted: flag("Told who calls, even when the caller hides it from others."),
  PassHeaders: text(4096, "Names of headers that go on, with commas between."),
  UserPhone: flag("user=phone where the user is a number."),
  InfoDigits: choice(["off", "without-events", "always"], "DTMF by SIP INFO."),
};
/** Beside the lists that guard a trunk or SIP domain: only this gateway has it (SIP-TP-13). */
export const CERTIFICATE_NAMES = text(8192, "Names of client certificates that let a caller in, with commas between.");
export const OPTIONS_SECONDS: ParameterSpec = {
  ...integer(0, 3600, "Between our own OPTIONS, 0 for none; empty: as the gateway's setting says (R-KEEP-6)."),
  clears: true,
};

/** An object with exactly these properties. */
export function view(properties: Readonly<Record<string, Schema>>): Schema {
  return { type: "object", properties, required: Object.keys(properties), additionalProperties: false };
}

export const TEXT: Schema = { type: "string" };
export const FLAG: Schema = { type: "boolean" };
export const COUNT: Schema = { type: "integer", minimum: 0 };
export const NOTHING: Schema = { type: "null" };
export const METHOD: Schema = { enum: ["GET", "POST"] };
export const ISO_DATE: Schema = { type: "string", pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$" };
export const RFC2822_DATE: Schema = {
  type: "string",
  pattern: "^[A-Z][a-z]{2}, \\d\\d [A-Z][a-z]{2} \\d{4} \\d\\d:\\d\\d:\\d\\d \\+0000$",
};
/** What every resource tells of itself, in the form of its API. */
export const ISO_DATES = { date_created: ISO_DATE, date_updated: ISO_DATE };
export const RFC2822_DATES = { date_created: RFC2822_DATE, date_updated: RFC2822_DATE };
export const API_VERSION: Schema = { const: "2010-04-01" };
export const oneOf = (...values: readonly (string | number | null)[]): Schema => ({ enum: values });
export const sidOf = (...prefixes: readonly string[]): Schema => ({
  type: "string",
  pattern: `^(${prefixes.join("|")})[0-9a-f]{32}$`,
});
export const listed = (items: Schema): Schema => ({ type: "array", items });
/** URLs under these names, and no others. */
export const links = (...names: readonly string[]): Schema =>
  view(Object.fromEntries(names.map((name) => [name, TEXT] as const)));

export const LINK_PROPERTIES: Readonly<Record<string, Schema>> = {
  trusted: FLAG,
  pass_headers: listed(TEXT),
  user_phone: FLAG,
  info_digits: oneOf("off", "without-events", "always"),
};

/** The host names of a trunk or SIP domain (R-EDGE-3). */
export const LOCALIZED_URIS: Schema = {
  type: "object",
  properties: {
    localized_uris: listed(
      view({
        host: TEXT,
        edge: { type: ["string", "null"] },
        region: { type: ["string", "null"] },
        addresses: listed(TEXT),
      }),
    ),
  },
  required: ["localized_uris"],
  additionalProperties: false,
};

export function orNull(schema: Schema): Schema {
  if (Array.isArray(schema["enum"])) return { ...schema, enum: [...schema["enum"], null] };
  return { ...schema, type: [schema.type as string, "null"] };
}
