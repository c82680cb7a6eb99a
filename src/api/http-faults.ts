/** What is wrong before a request reaches its route, told in the form of REST errors (hardening R14: one form for all). */

import { STATUS_CODES } from "node:http";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { REST_CODES, RestError } from "./rest/rest-error.ts";

/** Node's names for what its parser refuses. */
const STATUS_OF: ReadonlyMap<string, number> = new Map([
  ["HPE_HEADER_OVERFLOW", 431],
  ["ERR_HTTP_REQUEST_TIMEOUT", 408],
]);
const TEXT_OF: ReadonlyMap<number, string> = new Map([
  [400, "the request is no HTTP that can be read"],
  [408, "the request did not come in time"],
  [431, "the header fields are too large"],
]);

/** Options of the HTTP server. */
export const HTTP_FAULTS = {
  /** A path that cannot be decoded, and the like. */
  frameworkErrors(error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void {
    const status = error.statusCode !== undefined && error.statusCode < 500 ? error.statusCode : 400;
    const refusal = new RestError(status, REST_CODES.badParameter, error.message.slice(0, 200));
    void reply.code(refusal.status).send(refusal.body);
  },
  /** What is no request at all; there is nothing to go on with on such a connection. */
  clientErrorHandler(
    error: NodeJS.ErrnoException,
    socket: { writable: boolean; destroyed: boolean; end(text: string): void; destroy(): void },
  ): void {
    if (error.code === "ECONNRESET" || socket.destroyed) return;
    const status = STATUS_OF.get(error.code ?? "") ?? 400;
    const body = JSON.stringify(new RestError(status, REST_CODES.badParameter, TEXT_OF.get(status)!).body);
    if (!socket.writable) socket.destroy();
    else
      socket.end(
        `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      );
  },
};
