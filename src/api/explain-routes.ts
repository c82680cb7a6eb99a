/** `/v1/Explain/Calls`: what is remembered of recent calls, for `tandem explain` and for consoles. Read only, never stored. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../base/clock.ts";
import type { CallStories, StoryFilter, Viewer } from "../calls/call-stories.ts";
import { renderStatement } from "../explain/statement.ts";
import type { HttpAuth } from "./auth.ts";
import { REST_CODES } from "./rest/rest-error.ts";

const TEXT_LENGTH_MAX = 255;
const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 200;

type Query = Readonly<Record<string, unknown>>;

/** What statements are made with. */
export interface StatementSettings {
  readonly noAudioAtRest: boolean;
  readonly clock: Clock;
}

export function addExplainRoutes(
  server: FastifyInstance,
  stories: CallStories,
  auth: HttpAuth,
  { noAudioAtRest, clock }: StatementSettings,
): void {
  const guarded =
    (answer: (viewer: Viewer, request: FastifyRequest, reply: FastifyReply) => unknown) =>
    (request: FastifyRequest, reply: FastifyReply): unknown => {
      // Numbers and addresses of people: nothing between may keep them.
      reply.header("Cache-Control", "no-store");
      const verdict = auth.judge(request.headers.authorization, request.ip);
      if ("viewer" in verdict) return answer(verdict.viewer, request, reply);
      if (verdict.refused === "too-many")
        return refuse(reply, 429, REST_CODES.tooMany, "too many wrong credentials from this address; wait a minute");
      reply.header("WWW-Authenticate", 'Basic realm="tandem", charset="UTF-8"');
      return refuse(
        reply,
        401,
        REST_CODES.unauthorized,
        "give account SID and auth token, or the operator's token (HTTP Basic)",
      );
    };

  server.get(
    "/v1/Explain/Calls",
    guarded((viewer, request, reply) => {
      const filter = readFilter(request.query as Query);
      if (typeof filter === "string") return refuse(reply, 400, REST_CODES.badParameter, filter);
      return reply.send({ calls: stories.list(filter, viewer) });
    }),
  );
  server.get(
    "/v1/Explain/Calls/:id",
    guarded((viewer, request, reply) => {
      const { id } = request.params as { id: string };
      const full = (request.query as Query)["Full"];
      if (full !== undefined && full !== "true" && full !== "false")
        return refuse(reply, 400, REST_CODES.badParameter, "Full is true or false");
      const report = stories.report(id, viewer, full === "true");
      if (report === undefined)
        return refuse(
          reply,
          404,
          REST_CODES.notFound,
          "no call of this SID or Call-ID is remembered, or it belongs to another account",
        );
      return reply.send(report);
    }),
  );
  server.get(
    "/v1/Explain/Calls/:id/Statement",
    guarded((viewer, request, reply) => {
      const { id } = request.params as { id: string };
      const format = (request.query as Query)["Format"] ?? "json";
      if (format !== "json" && format !== "text")
        return refuse(reply, 400, REST_CODES.badParameter, "Format is json or text");
      const statement = stories.statement(id, viewer, noAudioAtRest, clock.wallTime());
      if (statement === undefined)
        return refuse(
          reply,
          404,
          REST_CODES.notFound,
          "no call of this SID is remembered, or it belongs to another account",
        );
      if (format === "json") return reply.send(statement);
      return reply.type("text/plain; charset=utf-8").send(renderStatement(statement));
    }),
  );
}

function refuse(reply: FastifyReply, status: number, code: number, message: string): FastifyReply {
  return reply.code(status).send({ code, message, status });
}

/** @returns what is wrong, as text */
function readFilter(query: Query): StoryFilter | string {
  const known = ["Status", "Order", "From", "To", "CallId", "Limit"];
  for (const [name, value] of Object.entries(query)) {
    if (!known.includes(name)) return `unknown parameter; known are ${known.join(", ")}`;
    if (typeof value !== "string" || value.length > TEXT_LENGTH_MAX)
      return `${name} is given once, with at most ${TEXT_LENGTH_MAX} characters`;
  }
  const {
    Status = "all",
    Order = "failed",
    From = "",
    To = "",
    CallId = "",
    Limit = String(LIMIT_DEFAULT),
  } = query as Record<string, string>;
  if (Status !== "all" && Status !== "failed") return "Status is all or failed";
  if (Order !== "failed" && Order !== "time") return "Order is failed or time";
  const limit = /^[0-9]{1,3}$/.test(Limit) ? Number(Limit) : 0;
  if (limit < 1 || limit > LIMIT_MAX) return `Limit is 1 to ${LIMIT_MAX}`;
  return {
    failedOnly: Status === "failed",
    failedFirst: Order === "failed",
    from: From,
    to: To,
    callId: CallId,
    limit,
  };
}
