/** Every resource that is described, and the description of each route. */

import type { RestRoute } from "../route.ts";
import { ACCOUNTS } from "./accounts.ts";
import { ALERTS } from "./alerts.ts";
import { CALLS } from "./calls.ts";
import { NUMBERS } from "./numbers.ts";
import type { ParameterTable, ResourceDescription, Schema } from "./parts.ts";
import { RECORDINGS } from "./recordings.ts";
import { SIP } from "./sip.ts";
import { TRUNKING } from "./trunking.ts";
import { VOICE } from "./voice.ts";

/** What one method of one path takes and shows. */
export interface RouteDescription {
  readonly resource: ResourceDescription;
  readonly does: "list" | "create" | "fetch" | "update" | "remove";
  readonly body: ParameterTable;
  readonly filters: ParameterTable;
  readonly status: number;
  /** Undefined for answers without a body. */
  readonly shows: Schema | undefined;
}

export const RESOURCES: readonly ResourceDescription[] = [
  ...TRUNKING,
  ...VOICE,
  ...SIP,
  ...NUMBERS,
  ...CALLS,
  ...ALERTS,
  ...RECORDINGS,
  ...ACCOUNTS,
];

const NONE: ParameterTable = {};

/** By method and path: `POST /v1/Trunks/{trunk}`. */
export const ROUTE_DESCRIPTIONS: ReadonlyMap<string, RouteDescription> = new Map(
  RESOURCES.flatMap((resource) => [...routesOf(resource)]),
);

/** The path of a route as descriptions have it: `/v1/Trunks/:trunk` is `/v1/Trunks/{trunk}`, without what a parameter has to match. */
export function describedPath(path: string): string {
  return path.replaceAll(/:([A-Za-z]+)(\([^)]*\))?/g, "{$1}");
}

export function descriptionOf({ method, path }: Pick<RestRoute, "method" | "path">): RouteDescription | undefined {
  return ROUTE_DESCRIPTIONS.get(`${method} ${describedPath(path)}`);
}

function* routesOf(resource: ResourceDescription): Generator<[string, RouteDescription]> {
  const { collection, item, key, filters = NONE, shows } = resource;
  const row = resource.rowShows ?? shows;
  const base = { resource, body: NONE, filters: NONE, status: 200, shows: row };
  if (collection !== undefined && key !== undefined)
    yield [`GET ${collection}`, { ...base, does: "list", filters, shows: listSchema(key, row, collection) }];
  if (collection !== undefined && resource.create !== undefined)
    yield [
      `POST ${collection}`,
      {
        ...base,
        does: "create",
        body: resource.create,
        status: resource.createStatus ?? 201,
        shows: resource.createShows ?? row,
      },
    ];
  if (item === undefined) return;
  if (resource.fetch !== false)
    yield [`GET ${item}`, { ...base, shows, does: "fetch", filters: collection === undefined ? filters : NONE }];
  if (resource.update !== undefined)
    yield [`POST ${item}`, { ...base, does: "update", body: resource.update, status: resource.updateStatus ?? 200 }];
  if (resource.remove === true) yield [`DELETE ${item}`, { ...base, does: "remove", status: 204, shows: undefined }];
}

/** A page: of v1 and v2 with absolute URLs in `meta`, of 2010-04-01 with relative URIs beside the rows (trunking-rest.md 2). */
function listSchema(key: string, row: Schema, collection: string): Schema {
  const count = { type: "integer", minimum: 0 };
  const place = { type: "string" };
  const placeOrNull = { type: ["string", "null"] };
  const rows = { type: "array", items: row };
  const exactly = (properties: Record<string, Schema>): Schema => ({
    type: "object",
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  });
  if (!collection.startsWith("/2010-04-01/"))
    return exactly({
      meta: exactly({
        page: count,
        page_size: count,
        first_page_url: place,
        previous_page_url: placeOrNull,
        url: place,
        next_page_url: placeOrNull,
        key: { const: key },
      }),
      [key]: rows,
    });
  return exactly({
    [key]: rows,
    page: count,
    page_size: count,
    start: count,
    end: count,
    uri: place,
    first_page_uri: place,
    next_page_uri: placeOrNull,
    previous_page_uri: placeOrNull,
  });
}
