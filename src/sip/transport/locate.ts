/** From a URI to the addresses to try (RFC 3263, SIP-DNS). No transport parameter means UDP (SIP-DNS-2). */

import { promises as dns } from "node:dns";
import { isIP } from "node:net";
import type { Clock } from "../../base/clock.ts";
import { messageOf, TransportError } from "../../base/errors.ts";
import type { SipTransportName } from "../message.ts";
import type { SipUri } from "../uri.ts";
import { defaultPort } from "./target.ts";

export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** DNS as the stack needs it; an empty list means that there is no such record. */
export interface Resolver {
  srv(name: string): Promise<readonly SrvRecord[]>;
  addresses(name: string): Promise<readonly string[]>;
}

/** Looks names up with the system's resolver; /etc/hosts counts for addresses. */
export const systemResolver: Resolver = {
  async srv(name) {
    try {
      return await dns.resolveSrv(name);
    } catch {
      return [];
    }
  },
  async addresses(name) {
    const found = await dns.lookup(name, { all: true, verbatim: false });
    return found.map(({ address }) => address);
  },
};

export interface Located {
  readonly transport: SipTransportName;
  readonly address: string;
  readonly port: number;
}

const CACHE_MS = 30_000;
const NEGATIVE_MS = 5000;
const CACHE_MAX = 10_000;
const RESOLVE_LIMIT_MS = 2000;

/** The transport that a URI asks for. */
export function transportOf(uri: SipUri): SipTransportName {
  const named = uri.params.get("transport")?.toLowerCase();
  if (uri.scheme === "sips" || named === "tls") return "tls";
  return named === "tcp" ? "tcp" : "udp";
}

export class Locator {
  readonly #resolver: Resolver;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #cache = new Map<string, { readonly untilMs: number; readonly found: readonly Located[] }>();

  constructor(resolver: Resolver, clock: Clock, random: () => number) {
    this.#resolver = resolver;
    this.#clock = clock;
    this.#random = random;
  }

  /** All addresses in the order to be tried. @throws TransportError TRANSPORT_DNS when there is none */
  async locate(uri: SipUri): Promise<readonly Located[]> {
    const transport = transportOf(uri);
    if (isIP(uri.host) !== 0) return [{ transport, address: uri.host, port: uri.port ?? defaultPort(transport) }];
    if (uri.host === "") throw new TransportError("TRANSPORT_DNS", "the URI has no host");
    const key = `${transport} ${uri.host} ${uri.port ?? ""}`;
    const cached = this.#cache.get(key);
    const isFresh = cached !== undefined && cached.untilMs > this.#clock.nowMs();
    if (isFresh && cached.found.length > 0) return cached.found;
    if (isFresh) throw new TransportError("TRANSPORT_DNS", `${uri.host} has no address`);
    try {
      const found = await this.#limited(this.#look(uri, transport));
      this.#remember(key, found);
      if (found.length === 0) throw new TransportError("TRANSPORT_DNS", `${uri.host} has no address`);
      return found;
    } catch (error) {
      // A name that was known is used on while DNS is down (SIP-DNS-7).
      if (cached !== undefined && cached.found.length > 0) return cached.found;
      this.#remember(key, []);
      throw error instanceof TransportError
        ? error
        : new TransportError("TRANSPORT_DNS", `${uri.host}: ${messageOf(error)}`, { cause: error });
    }
  }

  async #look(uri: SipUri, transport: SipTransportName): Promise<Located[]> {
    if (uri.port === undefined) {
      const service = transport === "tls" ? "_sips._tcp" : `_sip._${transport}`;
      const records = await this.#resolver.srv(`${service}.${uri.host}`);
      if (records.length > 0) {
        const usable = orderSrv(records, this.#random).filter(({ name }) => name !== "" && name !== ".");
        const lists = await Promise.all(
          usable.map(async ({ name, port }) =>
            (await this.#addresses(name)).map((address) => ({ transport, address, port })),
          ),
        );
        return lists.flat();
      }
    }
    const port = uri.port ?? defaultPort(transport);
    return (await this.#addresses(uri.host)).map((address) => ({ transport, address, port }));
  }

  async #addresses(name: string): Promise<readonly string[]> {
    return (await this.#resolver.addresses(name)).filter((address) => isIP(address) !== 0);
  }

  #limited<T>(work: Promise<T>): Promise<T> {
    return new Promise((done, fail) => {
      const timer = this.#clock.after(RESOLVE_LIMIT_MS, () => fail(new Error("no answer from DNS in time")));
      work.then(done, fail).finally(() => timer.cancel());
    });
  }

  #remember(key: string, found: readonly Located[]): void {
    if (this.#cache.size >= CACHE_MAX) this.#cache.delete(this.#cache.keys().next().value!);
    this.#cache.set(key, { found, untilMs: this.#clock.nowMs() + (found.length > 0 ? CACHE_MS : NEGATIVE_MS) });
  }
}

/** RFC 2782: by priority, then at random in proportion to weight. */
export function orderSrv(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  const ordered: SrvRecord[] = [];
  const rest = [...records].sort((a, b) => a.priority - b.priority);
  while (rest.length > 0) {
    const group = rest.filter(({ priority }) => priority === rest[0]!.priority);
    let pick = random() * group.reduce((sum, { weight }) => sum + weight, 0);
    const chosen = group.find(({ weight }) => {
      pick -= weight;
      return pick <= 0;
    });
    ordered.push(chosen ?? group[0]!);
    rest.splice(rest.indexOf(chosen ?? group[0]!), 1);
  }
  return ordered;
}
