/**
 * `/v1/Edges`, `/v1/Network`: where the gateway is, for firewalls and operators (R-EDGE-6, R-NET-1). Extensions of our own.
 * Everybody who has credentials may read; an edge is drained by the operator alone.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Viewer } from "../calls/call-stories.ts";
import type { EdgeDirectory } from "../calls/edge-directory.ts";
import type { HttpAuth } from "./auth.ts";
import { badParameter, notFound, REST_CODES, RestError } from "./rest/rest-error.ts";

const STATUSES = ["active", "draining"];

export function addEdgeRoutes(server: FastifyInstance, directory: EdgeDirectory, auth: HttpAuth): void {
  server.register(async (scope) => {
    scope.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, (_request, body, done) =>
      done(null, new URLSearchParams(body as string)),
    );
    scope.setErrorHandler((error, _request, reply) => {
      if (error instanceof RestError) return reply.code(error.status).send(error.body);
      const status = (error as { statusCode?: number }).statusCode ?? 500;
      const refusal = new RestError(status, REST_CODES.badParameter, "the request cannot be read");
      return reply.code(refusal.status).send(refusal.body);
    });
    const viewerOf = (request: FastifyRequest, reply: FastifyReply): Viewer => {
      reply.header("Cache-Control", "no-store");
      const verdict = auth.judge(request.headers.authorization, request.ip);
      if ("viewer" in verdict) return verdict.viewer;
      if (verdict.refused === "too-many")
        throw new RestError(429, REST_CODES.tooMany, "too many wrong credentials from this address; wait a minute");
      reply.header("WWW-Authenticate", 'Basic realm="Twilio API"');
      throw new RestError(401, REST_CODES.unauthorized, "authenticate with HTTP Basic");
    };
    const named = (name: string) => {
      const edge = directory.list().find((one) => one.name === name);
      if (edge === undefined) throw notFound(`/Edges/${name.slice(0, 63)}`);
      return edge;
    };

    scope.get("/v1/Edges", (request, reply) => {
      viewerOf(request, reply);
      return { edges: directory.list() };
    });
    scope.get("/v1/Edges/:edge", (request, reply) => {
      viewerOf(request, reply);
      return named((request.params as { edge: string }).edge);
    });
    scope.post("/v1/Edges/:edge", (request, reply) => {
      if (viewerOf(request, reply) !== "operator")
        throw new RestError(403, REST_CODES.forbidden, "edges are the operator's: use the operator's token");
      const { name, status } = named((request.params as { edge: string }).edge);
      const wanted = request.body instanceof URLSearchParams ? request.body.getAll("Status") : [];
      if (wanted.length !== 1 || !STATUSES.includes(wanted[0]!))
        throw badParameter("Status", `one of ${STATUSES.join(", ")}`);
      if (status === "elsewhere")
        throw new RestError(409, REST_CODES.badParameter, "this edge is served by another process: ask that one");
      directory.setDraining(name, wanted[0] === "draining");
      return named(name);
    });
    scope.get("/v1/Network", (request, reply) => {
      viewerOf(request, reply);
      return {
        network: directory.network().map(({ portMin, portMax, ...row }) => ({
          ...row,
          port_min: portMin,
          port_max: portMax,
        })),
      };
    });
  });
}
