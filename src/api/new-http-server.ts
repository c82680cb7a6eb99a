/** The HTTP server with its limits and the form of its errors, before any route. */

import Fastify, { type FastifyInstance } from "fastify";
import { HTTP_FAULTS } from "./http-faults.ts";
import { notFound } from "./rest/rest-error.ts";

const BODY_BYTES_MAX = 64 * 1024;

export function newHttpServer(): FastifyInstance {
  const server: FastifyInstance = Fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    forceCloseConnections: true,
    // Call-IDs are longer than identifiers.
    routerOptions: { maxParamLength: 512 },
    ...HTTP_FAULTS,
  });
  server.setNotFoundHandler((request, reply) => {
    const error = notFound(request.url.split("?")[0]!.slice(0, 200));
    return reply.code(error.status).send(error.body);
  });
  return server;
}
