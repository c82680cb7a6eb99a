/**
 * The OpenAPI 3.1 document of what is served (GET /openapi.json): made from the routes and their descriptions, so that it cannot say
 * anything else than what is there.
 */

import { describedPath, descriptionOf, type RouteDescription } from "./description/index.ts";
import type { ParameterSpec, ParameterTable, Schema } from "./description/parts.ts";
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from "./paging.ts";
import type { RestRoute } from "./route.ts";

const FORM = "application/x-www-form-urlencoded";
const JSON_TYPE = "application/json";
const TOKEN_LENGTH_MAX = 200;

const ERRORS: Readonly<Record<string, string>> = {
  "400": "A parameter is missing or wrong; the message names it.",
  "401": "Credentials are missing or wrong.",
  "403": "The account or its key may not do this.",
  "404": "There is none, or it belongs to another account.",
  "409": "It exists already, or is still in use.",
  "413": "The body is too large.",
  "415": "The body is no form.",
  "429": "Too many wrong credentials from this address.",
  "500": "The request failed inside; nothing was changed.",
  "503": "The data file cannot be written now; nothing was changed. Retry-After says when to ask again.",
};

const LIST_PARAMETERS: ParameterTable = {
  PageSize: { kind: "integer", least: 1, most: PAGE_SIZE_MAX, about: `Default ${PAGE_SIZE_DEFAULT}; more is cut.` },
  Page: { kind: "integer", least: 0, most: 999_999_999, about: "Told back; the token says where the page begins." },
  PageToken: { kind: "text", most: TOKEN_LENGTH_MAX, about: "Of the page before." },
};

/** @param routes - all that are served; one without a description is left out */
export function openApiDocument(routes: readonly RestRoute[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const description = descriptionOf(route);
    if (description === undefined) continue;
    const path = describedPath(route.path);
    paths[path] ??= { parameters: pathParameters(path) };
    paths[path][route.method.toLowerCase()] = operation(route.method, path, description);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Tandem",
      version: "1",
      description: "Resources of the gateway. Bodies of requests are forms; answers are JSON.",
    },
    security: [{ account: [] }],
    paths,
    components: {
      securitySchemes: {
        account: { type: "http", scheme: "basic", description: "Account SID and auth token, or key SID and secret." },
      },
      responses: Object.fromEntries(
        Object.entries(ERRORS).map(([status, about]) => [`error${status}`, errorOf(about)]),
      ),
      schemas: {
        Error: {
          type: "object",
          properties: {
            code: { type: "integer" },
            message: { type: "string" },
            more_info: { type: "string" },
            status: { type: "integer" },
          },
          required: ["code", "message", "more_info", "status"],
        },
      },
    },
  };
}

function operation(method: RestRoute["method"], path: string, description: RouteDescription): object {
  const { resource, does, body, filters, status, shows } = description;
  const query = does === "list" ? { ...filters, ...LIST_PARAMETERS } : filters;
  const writes = method !== "GET";
  const errors = Object.keys(ERRORS).filter((error) => writes || !["409", "413", "415", "503"].includes(error));
  const mediaType = (shows?.["contentMediaType"] as string | undefined) ?? JSON_TYPE;
  const what = mediaType === JSON_TYPE ? "" : "_media";
  return {
    operationId: `${does}${path.replaceAll(/\{[A-Za-z]+\}|\.json/g, "").replaceAll(/[^A-Za-z0-9]+/g, "_")}${what}`,
    summary: `${resource.name}: ${does}`,
    description: resource.about,
    ...(Object.keys(query).length === 0 ? {} : { parameters: queryParameters(query) }),
    ...(method === "POST" ? { requestBody: requestBody(body) } : {}),
    responses: {
      [status]:
        shows === undefined
          ? { description: "Done." }
          : { description: "Done.", content: { [mediaType]: { schema: shows } } },
      ...Object.fromEntries(errors.map((error) => [error, { $ref: `#/components/responses/error${error}` }])),
    },
  };
}

function pathParameters(path: string): object[] {
  return [...path.matchAll(/\{([A-Za-z]+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameters(table: ParameterTable): object[] {
  return Object.entries(table).map(([name, spec]) => ({
    name,
    in: "query",
    ...(spec.about === undefined ? {} : { description: spec.about }),
    schema: schemaOf(spec),
  }));
}

function requestBody(table: ParameterTable): object {
  const needed = Object.keys(table).filter((name) => table[name]!.required === true);
  const properties = Object.fromEntries(Object.entries(table).map(([name, spec]) => [name, schemaOf(spec)] as const));
  const schema = { type: "object", properties, ...(needed.length === 0 ? {} : { required: needed }) };
  return { required: needed.length > 0, content: { [FORM]: { schema } } };
}

/** What a parameter may be. Flags and methods are taken in any letter case; the document asks for one. */
export function schemaOf(spec: ParameterSpec): Schema {
  const about = spec.about === undefined ? {} : { description: spec.about };
  switch (spec.kind) {
    case "text":
      return { type: "string", maxLength: spec.most, ...(spec.required === true ? { minLength: 1 } : {}), ...about };
    case "flag":
      return { type: "boolean", ...about };
    case "integer":
      return { type: "integer", minimum: spec.least, maximum: spec.most, ...about };
    case "choice":
      return { enum: spec.of, ...about };
    case "method":
      return { enum: ["GET", "POST"], ...about };
    case "document":
      return { type: "string", maxLength: spec.most, ...about };
    case "words":
      return { type: "array", items: { enum: spec.of }, ...about };
    case "url":
      return { type: "string", format: "uri", maxLength: 2048, ...about };
    case "sid":
      return { type: "string", pattern: `^${spec.prefix}[0-9a-fA-F]{32}$`, ...about };
  }
}

function errorOf(description: string): object {
  return { description, content: { [JSON_TYPE]: { schema: { $ref: "#/components/schemas/Error" } } } };
}
