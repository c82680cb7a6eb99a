/**
 * A consumer that speaks raw octets: it sees the upgrade request exactly as it came and answers whatever a test wants,
 * right or wrong.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

export interface RawConnection {
  readonly socket: Socket;
  /** Request line and headers as they came, without the empty line. */
  readonly request: string;
  /** Answers 101 with a right key, then `extra` header lines. */
  accept(...extra: string[]): void;
}

export interface RawConsumer {
  readonly server: Server;
  readonly port: number;
  close(): Promise<void>;
}

/** Starts one on loopback; `onRequest` gets each request once its headers are complete. */
export async function startRawConsumer(
  onRequest: (connection: RawConnection) => void,
  tls?: TlsOptions,
): Promise<RawConsumer> {
  const sockets = new Set<Socket>();
  const onSocket = (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    let head = "";
    const onData = (chunk: Buffer) => {
      head += chunk.toString("latin1");
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      socket.removeListener("data", onData);
      const request = head.slice(0, end);
      onRequest({
        socket,
        request,
        accept: (...extra) => {
          const key = /^sec-websocket-key: (.*)$/im.exec(request)?.[1]?.trim() ?? "";
          const accept = createHash("sha1")
            .update(key + GUID)
            .digest("base64");
          const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
          socket.write([...lines, `Sec-WebSocket-Accept: ${accept}`, ...extra, "", ""].join("\r\n"));
        },
      });
    };
    socket.on("data", onData);
  };
  const server = tls === undefined ? createServer(onSocket) : createTlsServer(tls, onSocket);
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    server,
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** One unmasked frame, as a server sends it; `first` is its first octet (0x81: whole text message). */
export function serverFrame(first: number, payload: Uint8Array | string): Buffer {
  const octets = Buffer.from(payload as string);
  if (octets.length < 126) return Buffer.concat([Buffer.from([first, octets.length]), octets]);
  const header = Buffer.alloc(octets.length < 65_536 ? 4 : 10);
  header[0] = first;
  if (octets.length < 65_536) {
    header[1] = 126;
    header.writeUInt16BE(octets.length, 2);
  } else {
    header[1] = 127;
    header.writeBigUInt64BE(BigInt(octets.length), 2);
  }
  return Buffer.concat([header, octets]);
}
