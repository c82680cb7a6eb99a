/**
 * Serves REST resources: authentication, the account that a request is for, parameters, errors, and 405 for methods that a path does
 * not have (trunking-rest.md 1, 3).
 */

import type { FastifyError, FastifyInstance } from "fastify";
import { messageOf, StoreError } from "../../base/errors.ts";
import { newSid } from "../../base/ids.ts";
import type { Log } from "../../base/log.ts";
import type { HttpAuth } from "../auth.ts";
import { readAsker } from "./asker.ts";
import { descriptionOf } from "./description/index.ts";
import { readBody, readQuery } from "./form.ts";
import { type MisreadListener, Parameters } from "./parameters.ts";
import { ofStoreError, REST_CODES, RestError } from "./rest-error.ts";
import type { RestContext, RestRoute } from "./route.ts";
import { WriteTurns } from "./write-turns.ts";

const BODY_BYTES_MAX = 1024 * 1024;
const METHODS = ["GET", "POST", "DELETE", "PUT", "PATCH"] as const;

/**
 * Adds all routes to a server.
 * @param onMisread - for tests: told of parameters that handlers read otherwise than their description says
 */
export function addRestRoutes(
  server: FastifyInstance,
  ctx: RestContext,
  auth: HttpAuth,
  log: Log,
  routes: readonly RestRoute[],
  onMisread?: MisreadListener,
): void {
  const turns = new WriteTurns(ctx.clock);
  server.register(async (scope) => {
    // Nothing but forms: what another type says would be left out in silence.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "buffer" }, (_request, body, done) =>
      done(null, body),
    );
    scope.setErrorHandler((error, _request, reply) => {
      const refusal = refusalOf(error as FastifyError);
      if (refusal.status === 500) log.error("a REST request failed inside", { error: messageOf(error) });
      if (refusal.status === 503 || refusal.status === 429) reply.header("Retry-After", "1");
      return reply.code(refusal.status).send(refusal.body);
    });
    scope.addHook("onRequest", async (_request, reply) => {
      reply.header("Twilio-Request-Id", newSid("RQ"));
      // Numbers and addresses of people: nothing between may keep them.
      reply.header("Cache-Control", "no-store");
    });
    const methodsOf = new Map<string, Set<string>>();
    for (const route of routes) {
      const methods = methodsOf.get(route.path) ?? new Set();
      methodsOf.set(route.path, methods.add(route.method));
      const description = descriptionOf(route);
      scope.route({
        method: route.method,
        url: route.path,
        bodyLimit: BODY_BYTES_MAX,
        handler: async (request, reply) => {
          const asker = readAsker(ctx, auth, request, reply, route);
          const query = readQuery(request.raw.url ?? "");
          const form = request.body instanceof Uint8Array ? readBody(request.body) : [];
          const answer = () =>
            route.handle({
              ...asker,
              // As it is when its turn has come.
              account: ctx.store.get("accounts", asker.account.sid) ?? asker.account,
              path: request.params as Record<string, string>,
              query,
              body: new Parameters(form, description?.body, onMisread),
              base: ctx.publicBaseUrl ?? `${request.protocol}://${request.host}`,
              range: request.headers.range,
            });
          const writes = route.method !== "GET" && route.writesRecords !== false;
          const { status, body, headers = {}, stream } = await (writes ? turns.take(answer) : answer());
          reply.headers(headers);
          if (stream !== undefined) return reply.code(status).send(stream);
          return body === undefined ? reply.code(status).send() : reply.code(status).send(body);
        },
      });
    }
    for (const [path, methods] of methodsOf) {
      const others = METHODS.filter((method) => !methods.has(method));
      const allow = [...methods].join(", ");
      scope.route({
        method: others,
        url: path,
        handler: async (request, reply) => {
          readAsker(ctx, auth, request, reply, {});
          reply.header("Allow", allow);
          throw new RestError(
            405,
            REST_CODES.methodNotAllowed,
            `${request.method} is not possible here, only ${allow}`,
          );
        },
      });
    }
  });
}

function refusalOf(error: FastifyError | RestError | StoreError): RestError {
  if (error instanceof RestError) return error;
  if (error instanceof StoreError) return ofStoreError(error);
  const status = "statusCode" in error ? (error.statusCode ?? 500) : 500;
  if (status === 413) return new RestError(413, REST_CODES.tooLarge, "the request body is too large");
  if (status === 415)
    return new RestError(415, REST_CODES.unusable, "the request body has to be application/x-www-form-urlencoded");
  if (status >= 400 && status < 500) return new RestError(400, REST_CODES.badParameter, error.message.slice(0, 200));
  return new RestError(500, REST_CODES.internal, "the request failed inside; nothing was changed");
}
