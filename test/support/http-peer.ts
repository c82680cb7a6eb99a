/** A real HTTP or HTTPS server whose answers a test decides, with every request kept. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export type Handler = (request: SeenRequest, response: ServerResponse) => void;

export class HttpPeer {
  readonly seen: SeenRequest[] = [];
  readonly #server: Server;
  readonly #scheme: string;

  private constructor(server: Server, scheme: string) {
    this.#server = server;
    this.#scheme = scheme;
  }

  static async start(handler: Handler, tls?: { cert: string; key: string }): Promise<HttpPeer> {
    let peer: HttpPeer;
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const one: SeenRequest = {
          method: request.method ?? "",
          url: request.url ?? "",
          headers: request.headers,
          body: Buffer.concat(chunks).toString(),
        };
        peer.seen.push(one);
        handler(one, response);
      });
    };
    const server = tls === undefined ? createServer(onRequest) : createTlsServer(tls, onRequest);
    peer = new HttpPeer(server, tls === undefined ? "http" : "https");
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    return peer;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(path: string, host = "127.0.0.1"): string {
    return `${this.#scheme}://${host}:${this.port}${path}`;
  }

  get paths(): string[] {
    return this.seen.map(({ url }) => url);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}
