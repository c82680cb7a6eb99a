/**
 * `/documents/{name}.xml`: TwiML documents of a folder, so that a voice URL needs no web server of its own (R-BYOC-19). Read for each
 * request, so that a change counts at the next call. Whoever reaches the HTTP port can read them, as with any web server.
 */

import { open } from "node:fs/promises";
import { join } from "node:path";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { notFound } from "./rest/rest-error.ts";

/** No dot at the beginning and no slash: nothing outside of the folder can be named. */
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}\.xml$/;
/** As much as a webhook's answer may have. */
const DOCUMENT_BYTES_MAX = 64 * 1024;

export function addDocumentRoutes(server: FastifyInstance, folder: string): void {
  server.register(async (scope) => {
    // What the call is like is sent along; a document says the same to all of them.
    scope.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, (_request, _body, done) =>
      done(null, undefined),
    );
    scope.route({
      method: ["GET", "POST"],
      url: "/documents/:name",
      handler: async (request: FastifyRequest, reply: FastifyReply) => {
        const { name } = request.params as { name: string };
        const document = NAME.test(name) ? await documentOf(join(folder, name)) : undefined;
        if (document === undefined) {
          const error = notFound(`/documents/${name.slice(0, 100)}`);
          return reply.code(error.status).send(error.body);
        }
        return reply.type("text/xml; charset=utf-8").header("Cache-Control", "no-store").send(document);
      },
    });
  });
}

/** Undefined when there is none, or it is too large to be TwiML. */
async function documentOf(path: string): Promise<Buffer | undefined> {
  try {
    await using file = await open(path);
    const { size } = await file.stat();
    return size > DOCUMENT_BYTES_MAX ? undefined : await file.readFile();
  } catch {
    return undefined;
  }
}
