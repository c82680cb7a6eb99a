/** `GET /openapi.json`: what is served, for people and generators. It tells nothing of what is in the store, so anybody may read it. */

import type { FastifyInstance } from "fastify";
import { openApiDocument } from "./rest/openapi.ts";
import type { RestRoute } from "./rest/route.ts";

export function addOpenApiRoute(server: FastifyInstance, routes: readonly RestRoute[]): void {
  const document = openApiDocument(routes);
  server.get("/openapi.json", () => document);
}
