/**
 * The customer's web application for demos and tests: an HTTP server that answers voice webhooks with TwiML and keeps what
 * it was asked, so that a test can check parameters and signatures.
 */

import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** One request as it came. */
export interface ApplicationRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Form parameters of the body, in order; repeated names keep the last. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly body: string;
}

/** What to answer; a string is TwiML with status 200. */
export type ApplicationAnswer =
  | string
  | {
      readonly status: number;
      readonly contentType?: string;
      readonly body: string | Uint8Array;
      readonly headers?: Readonly<Record<string, string>>;
    };

/** Path without query → answer. */
export type ApplicationRoutes = ReadonlyMap<
  string,
  (request: ApplicationRequest) => ApplicationAnswer | Promise<ApplicationAnswer>
>;

const BODY_BYTES_MAX = 1024 * 1024;

export class Application {
  readonly #server: Server;
  readonly #requests: ApplicationRequest[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(routes: ApplicationRoutes, address = "127.0.0.1", port = 0): Promise<Application> {
    const server = createServer();
    const application = new Application(server);
    server.on("request", (request, response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      request.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > BODY_BYTES_MAX) request.destroy();
        else chunks.push(chunk);
      });
      request.on("end", async () => {
        const body = Buffer.concat(chunks).toString();
        const received: ApplicationRequest = {
          method: request.method ?? "",
          path: request.url ?? "",
          headers: request.headers,
          parameters: new Map(new URLSearchParams(body)),
          body,
        };
        application.#requests.push(received);
        const route = routes.get(received.path.split("?")[0]!);
        const answer = (await route?.(received)) ?? { status: 404, body: "not found" };
        const full = typeof answer === "string" ? { status: 200, contentType: "text/xml", body: answer } : answer;
        response.writeHead(full.status, { "content-type": full.contentType ?? "text/plain", ...full.headers });
        response.end(full.body);
      });
    });
    await new Promise<void>((done, fail) => {
      server.once("error", fail);
      server.listen(port, address, done);
    });
    return application;
  }

  /** http:// base without a slash at the end. */
  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `http://${address}:${port}`;
  }

  get requests(): readonly ApplicationRequest[] {
    return this.#requests;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }
}
