/** HTTP of the gateway: health, readiness, metrics, and the certificate for import into PBXs (design: one listener, by path). */

import type { FastifyInstance } from "fastify";
import { messageOf, TransportError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { CallStories } from "../calls/call-stories.ts";
import type { HttpAuth } from "./auth.ts";
import { addDocumentRoutes } from "./document-routes.ts";
import { addEdgeRoutes } from "./edge-routes.ts";
import { addExplainRoutes } from "./explain-routes.ts";
import { type GatewayStatus, metricsText } from "./metrics.ts";
import { newHttpServer } from "./new-http-server.ts";
import { addOpenApiRoute } from "./openapi-route.ts";
import { restRoutes } from "./rest/index.ts";
import { addRestRoutes } from "./rest/rest-server.ts";
import type { RestContext } from "./rest/route.ts";
import { addTrunkTestRoutes } from "./trunk-test-routes.ts";

export interface HttpServerOptions {
  readonly address: string;
  readonly port: number;
  readonly status: () => GatewayStatus;
  /** PEM that peers import to trust the TLS listener (R-SEC-15), "" for none. */
  readonly caPem: string;
  /** Folder of TwiML documents (R-BYOC-19), or null for none. */
  readonly documents: string | null;
  readonly stories: CallStories;
  readonly auth: HttpAuth;
  readonly rest: RestContext;
  readonly log: Log;
}

export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: FastifyInstance;
  #url = "";

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#server = newHttpServer();
    this.#server.get("/healthz", () => ({ status: "ok" }));
    this.#server.get("/readyz", (_request, reply) => {
      const { ready } = options.status();
      return reply.code(ready ? 200 : 503).send({ status: ready ? "ready" : "not ready" });
    });
    this.#server.get("/metrics", async (_request, reply) => {
      reply.type("text/plain; version=0.0.4; charset=utf-8");
      return await metricsText(options.status());
    });
    if (options.caPem !== "")
      this.#server.get("/certificate.pem", (_request, reply) =>
        reply.type("application/x-pem-file").send(options.caPem),
      );
    addEdgeRoutes(this.#server, options.rest.edgeDirectory, options.auth);
    if (options.documents !== null) addDocumentRoutes(this.#server, options.documents);
    addExplainRoutes(this.#server, options.stories, options.auth, options.rest);
    addTrunkTestRoutes(this.#server, options.rest.store, options.auth, options.rest.voice.test);
    const routes = restRoutes(options.rest);
    addRestRoutes(this.#server, options.rest, options.auth, options.log, routes);
    addOpenApiRoute(this.#server, routes);
  }

  async start(): Promise<void> {
    const { address, port } = this.#options;
    try {
      this.#url = await this.#server.listen({ host: address, port });
    } catch (error) {
      const isInUse = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
      const cure = isInUse ? "another program has this port: stop it or set http.port" : messageOf(error);
      throw new TransportError("TRANSPORT_REFUSED", `cannot listen on HTTP ${address}:${port}: ${cure}`, {
        cause: error,
      });
    }
  }

  get url(): string {
    return this.#url;
  }

  async stop(): Promise<void> {
    await this.#server.close();
  }
}
