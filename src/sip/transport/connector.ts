/**
 * Outgoing connections: one for each target (SIP-TP-7), shared while it is there and while it is being made. On TLS the
 * verified name belongs to the target, so that a connection is never used for another name (hardening R17).
 */

import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { Clock } from "../../base/clock.ts";
import { TransportError } from "../../base/errors.ts";
import type { Connection } from "./connection.ts";
import { isWildcard } from "./local-address.ts";
import type { Target } from "./target.ts";
import { checkPeerName, clientAuthorities, type PreparedTls, type TlsOptions } from "./tls-options.ts";

export interface ConnectorOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly tls: { readonly options: TlsOptions; readonly prepared: PreparedTls } | undefined;
  /** A connection was made without checking its certificate (R-SEC-14); `fault` is what a check would have said. */
  onUnverified(target: Target, fault: string | undefined): void;
  /** Makes a connection of a socket that is ready. */
  adopt(socket: Socket, transport: "tcp" | "tls"): Connection;
}

export class Connector {
  readonly #options: ConnectorOptions;
  readonly #pool = new Map<string, Promise<Connection>>();
  /** Connections that peers opened and that lead back to them, by verified name (RFC 5923). */
  readonly #aliases = new Map<string, Connection>();

  constructor(options: ConnectorOptions) {
    this.#options = options;
  }

  /** How many targets have a connection or wait for one. */
  get size(): number {
    return this.#pool.size;
  }

  alias(address: string, port: number, name: string, connection: Connection): void {
    if (this.#aliases.size >= ALIASES_MAX) this.#aliases.clear();
    this.#aliases.set(aliasKey(address, port, name), connection);
  }

  /** @throws TransportError when the target cannot be reached or its certificate is no good */
  async connect(target: Target): Promise<Connection> {
    const alias = this.#aliasOf(target);
    if (alias !== undefined) return alias;
    const key = `${target.transport} ${target.address} ${target.port} ${target.localAddress} ${target.tlsName} ${target.tlsVerify}`;
    const known = this.#pool.get(key);
    if (known !== undefined) {
      const connection = await known;
      if (!connection.closed) return connection;
      // Its socket has not told yet that it is closed; somebody else may have been here before.
      if (this.#pool.get(key) === known) this.#pool.delete(key);
      return this.connect(target);
    }
    const forget = (): void => {
      if (this.#pool.get(key) === made) this.#pool.delete(key);
    };
    const made = this.#open(target, forget);
    this.#pool.set(key, made);
    made.catch(forget);
    return made;
  }

  #aliasOf({ transport, address, port, tlsName }: Target): Connection | undefined {
    if (transport !== "tls" || this.#aliases.size === 0) return undefined;
    const key = aliasKey(address, port, tlsName);
    const connection = this.#aliases.get(key);
    if (connection?.closed !== true) return connection;
    this.#aliases.delete(key);
    return undefined;
  }

  #open(target: Target, onClosed: () => void): Promise<Connection> {
    const { transport } = target;
    const where = `${transport} ${target.address}:${target.port}`;
    return new Promise((done, fail) => {
      let socket: Socket;
      try {
        socket = this.#socket(target);
      } catch (error) {
        fail(new TransportError("TRANSPORT_REFUSED", `${where}: ${(error as Error).message}`, { cause: error }));
        return;
      }
      const timer = this.#options.clock.after(this.#options.timeoutMs, () => {
        socket.destroy();
        fail(new TransportError("TRANSPORT_LOST", `${where}: no connection in time`));
      });
      socket.on("close", () => {
        timer.cancel();
        onClosed();
        // A far end that hangs up during the handshake says nothing else.
        fail(new TransportError("TRANSPORT_LOST", `${where}: closed before it was ready`));
      });
      socket.once("error", (error) => {
        timer.cancel();
        fail(connectError(error, target, where));
      });
      socket.once(transport === "tcp" ? "connect" : "secureConnect", () => {
        timer.cancel();
        if (transport === "tls" && !target.tlsVerify)
          this.#options.onUnverified(target, faultOf(socket as TLSSocket, target));
        done(this.#options.adopt(socket, transport as "tcp" | "tls"));
      });
    });
  }

  #socket({ transport, address, port, localAddress, tlsName, tlsVerify }: Target): Socket {
    const isBindable = isIP(localAddress) === isIP(address) && !isWildcard(localAddress);
    const common = { host: address, port, ...(isBindable ? { localAddress } : {}) };
    if (transport === "tcp") return connectTcp(common);
    const { tls } = this.#options;
    return connectTls({
      ...common,
      // A numeric host has no server name (RFC 6066 §3); its certificate must name the address.
      ...(isIP(tlsName) === 0 ? { servername: tlsName } : {}),
      ca: tls?.prepared.ca ?? clientAuthorities(undefined),
      rejectUnauthorized: tlsVerify,
      checkServerIdentity: (name, certificate) =>
        // A numeric host is no server name, and Node would check the one of the socket.
        checkPeerName(tlsName === "" ? name : tlsName, certificate, tls?.options.wildcards ?? true),
      minVersion: tls?.prepared.minVersion ?? "TLSv1.2",
      ...(tls?.prepared.ciphers === undefined ? {} : { ciphers: tls.prepared.ciphers }),
      ...(tls === undefined ? {} : { cert: tls.options.certPem, key: tls.options.keyPem }),
    });
  }
}

const ALIASES_MAX = 10_000;

function aliasKey(address: string, port: number, name: string): string {
  return `${address} ${port} ${name.toLowerCase()}`;
}

/** The usual faults of certificates in words that name the cure (R-SEC-14). */
const CERTIFICATE_FAULTS: ReadonlyMap<string, string> = new Map([
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "its certificate is signed by itself and not among the trusted ones"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "its certificate comes from an authority that is not trusted"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "its certificate comes from an authority that is not trusted"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "its certificate comes from an authority that is not trusted"],
  ["CERT_HAS_EXPIRED", "its certificate has expired"],
  ["CERT_NOT_YET_VALID", "its certificate is not valid yet"],
  ["CERT_REVOKED", "its certificate was revoked"],
]);

function connectError(error: Error, target: Target, where: string): TransportError {
  const { code = "", syscall } = error as NodeJS.ErrnoException;
  if (target.transport === "tcp" || syscall !== undefined)
    return new TransportError("TRANSPORT_REFUSED", `${where}: ${error.message}`, { cause: error });
  return new TransportError("TRANSPORT_TLS", `${where}: ${faultText(code, target) ?? error.message}`, { cause: error });
}

/** What a check of the certificate would have said; undefined when it is good. */
function faultOf({ authorized, authorizationError }: TLSSocket, target: Target): string | undefined {
  if (authorized) return undefined;
  // Node gives the code, whatever its types say.
  const code = String(authorizationError ?? "");
  return faultText(code, target) ?? code;
}

function faultText(code: string, { tlsName }: Target): string | undefined {
  return code === "ERR_TLS_CERT_ALTNAME_INVALID"
    ? `its certificate is not for ${tlsName}`
    : CERTIFICATE_FAULTS.get(code);
}
