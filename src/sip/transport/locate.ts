/** From a URI to the addresses to try (RFC 3263, SIP-DNS). No transport parameter means UDP (SIP-DNS-2). */

import { isIP } from "node:net";
import type { Clock } from "../../base/clock.ts";
import { messageOf, TransportError } from "../../base/errors.ts";
import type { SipTransportName } from "../message.ts";
import type { SipUri } from "../uri.ts";
import type { Resolver, SrvRecord } from "./resolver.ts";
import { defaultPort } from "./target.ts";

export interface Located {
  readonly transport: SipTransportName;
  readonly address: string;
  readonly port: number;
}

export interface LocatorOptions {
  readonly resolver: Resolver;
  readonly clock: Clock;
  readonly random: () => number;
  /** Ask for NAPTR where a URI names neither transport nor port; default false (SIP-DNS-2). */
  readonly naptr?: boolean;
}

/** How long an answer is kept (SIP-DNS-7): as it says, within bounds, and this long when it says nothing. */
const TTL_SECONDS_MIN = 1;
const TTL_SECONDS_MAX = 3600;
const TTL_SECONDS_UNKNOWN = 30;
const NEGATIVE_MS = 5000;
const CACHE_MAX = 10_000;
/** All of it, and the service records alone: a server that says nothing about those does not hide the host's address. */
const RESOLVE_LIMIT_MS = 2000;
const SERVICE_LIMIT_MS = 1000;
/** What is taken of an answer, however long it is. */
const RECORDS_MAX = 16;
const LOCATED_MAX = 32;
/** An address that failed is tried after the others this long (SIP-DNS-8). */
const FAILED_MS = 30_000;
const FAILED_MS_MAX = 60_000;
const FAILED_MAX = 10_000;

/** The transport that a URI asks for. */
export function transportOf(uri: SipUri): SipTransportName {
  const named = uri.params.get("transport")?.toLowerCase();
  if (uri.scheme === "sips" || named === "tls") return "tls";
  return named === "tcp" ? "tcp" : "udp";
}

const NAPTR_TRANSPORTS: ReadonlyMap<string, SipTransportName> = new Map([
  ["SIPS+D2T", "tls"],
  ["SIP+D2T", "tcp"],
  ["SIP+D2U", "udp"],
]);

interface Service {
  readonly name: string;
  readonly transport: SipTransportName;
}

/** What was found, and how long that holds; empty when there surely is nothing. */
interface Finding {
  readonly found: readonly Located[];
  readonly ttlSeconds: number;
}

export class Locator {
  readonly #options: LocatorOptions;
  readonly #cache = new Map<string, { readonly untilMs: number; readonly found: readonly Located[] }>();
  readonly #pending = new Map<string, Promise<Finding>>();
  readonly #failedUntilMs = new Map<string, number>();

  constructor(options: LocatorOptions) {
    this.#options = options;
  }

  /** All addresses in the order to be tried. @throws TransportError TRANSPORT_DNS when there is none */
  async locate(uri: SipUri): Promise<readonly Located[]> {
    const transport = transportOf(uri);
    if (isIP(uri.host) !== 0) return [{ transport, address: uri.host, port: uri.port ?? defaultPort(transport) }];
    if (uri.host === "") throw new TransportError("TRANSPORT_DNS", "the URI has no host");
    const key = `${uri.scheme} ${uri.params.get("transport")?.toLowerCase() ?? ""} ${uri.host} ${uri.port ?? ""}`;
    const cached = this.#cache.get(key);
    if (cached !== undefined && cached.untilMs > this.#options.clock.nowMs()) {
      if (cached.found.length > 0) return this.#failedLast(cached.found);
      throw new TransportError("TRANSPORT_DNS", `${uri.host} has no address`);
    }
    let finding: Finding;
    try {
      finding = await this.#once(key, () => this.#look(uri, transport, (cached?.found.length ?? 0) > 0));
    } catch (error) {
      // DNS is down: a name that was known is used on.
      if (cached !== undefined && cached.found.length > 0) {
        this.#remember(key, cached.found, NEGATIVE_MS);
        return this.#failedLast(cached.found);
      }
      this.#remember(key, [], NEGATIVE_MS);
      throw new TransportError("TRANSPORT_DNS", `${uri.host}: ${messageOf(error)}`, { cause: error });
    }
    if (finding.found.length > 0) return this.#failedLast(finding.found);
    throw new TransportError("TRANSPORT_DNS", `${uri.host} has no address`);
  }

  /**
   * Nobody answered at this address, or it refused to: the others come first for a while.
   * @param forMs - at most 60 s; default 30 s
   */
  failed({ transport, address, port }: Located, forMs = FAILED_MS): void {
    if (this.#failedUntilMs.size >= FAILED_MAX) this.#failedUntilMs.clear();
    const untilMs = this.#options.clock.nowMs() + Math.min(forMs, FAILED_MS_MAX);
    this.#failedUntilMs.set(`${transport} ${address} ${port}`, untilMs);
  }

  #failedLast(found: readonly Located[]): readonly Located[] {
    if (this.#failedUntilMs.size === 0 || found.length < 2) return found;
    const nowMs = this.#options.clock.nowMs();
    const hasFailed = ({ transport, address, port }: Located): boolean =>
      (this.#failedUntilMs.get(`${transport} ${address} ${port}`) ?? 0) > nowMs;
    return [...found.filter((one) => !hasFailed(one)), ...found.filter(hasFailed)];
  }

  /** Many calls to one name ask once. */
  #once(key: string, look: () => Promise<Finding>): Promise<Finding> {
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending;
    const asked = this.#limited(look(), RESOLVE_LIMIT_MS)
      .then((finding) => {
        const { found, ttlSeconds } = finding;
        const keptSeconds = Math.max(TTL_SECONDS_MIN, Math.min(ttlSeconds, TTL_SECONDS_MAX));
        this.#remember(key, found, found.length === 0 ? NEGATIVE_MS : keptSeconds * 1000);
        return finding;
      })
      .finally(() => this.#pending.delete(key));
    this.#pending.set(key, asked);
    return asked;
  }

  /**
   * @param isKnown - an older answer is there: it is better than one that leaves the service records out
   * @throws what the resolver throws when it cannot say
   */
  async #look(uri: SipUri, transport: SipTransportName, isKnown: boolean): Promise<Finding> {
    if (uri.port === undefined) {
      for (const service of await this.#services(uri, transport)) {
        const asked = this.#limited(this.#options.resolver.srv(service.name), SERVICE_LIMIT_MS);
        const records = await (isKnown ? asked : asked.catch(() => []));
        if (records.length > 0) return this.#targets(records, service.transport);
      }
    }
    const port = uri.port ?? defaultPort(transport);
    const { addresses, ttlSeconds } = await this.#addresses(uri.host);
    return { found: addresses.map((address) => ({ transport, address, port })), ttlSeconds };
  }

  /** Names of SRV records, in the order of RFC 3263 §4.1. */
  async #services(uri: SipUri, transport: SipTransportName): Promise<Service[]> {
    const prefix = transport === "tls" ? "_sips._tcp" : `_sip._${transport}`;
    const plain: Service = { name: `${prefix}.${uri.host}`, transport };
    const { resolver, naptr } = this.#options;
    if (naptr !== true || resolver.naptr === undefined || uri.params.has("transport")) return [plain];
    const records = await this.#limited(resolver.naptr(uri.host), SERVICE_LIMIT_MS).catch(() => []);
    const services = [...records]
      .sort((a, b) => a.order - b.order || a.preference - b.preference)
      .flatMap(({ flags, service, replacement }): Service[] => {
        const named = NAPTR_TRANSPORTS.get(service.toUpperCase());
        // A sips URI never leaves without TLS.
        if (named === undefined || flags.toLowerCase() !== "s" || (uri.scheme === "sips" && named !== "tls")) return [];
        return [{ name: replacement, transport: named }];
      })
      .slice(0, RECORDS_MAX);
    return [...services, plain];
  }

  /** All addresses of all targets; one target without an address does not spoil the others. */
  async #targets(records: readonly SrvRecord[], transport: SipTransportName): Promise<Finding> {
    const usable = orderSrv(records.slice(0, RECORDS_MAX * 4), this.#options.random)
      .filter(({ name, port }) => name !== "" && name !== "." && port > 0 && port <= 65_535)
      .slice(0, RECORDS_MAX);
    const asked = await Promise.allSettled(usable.map(({ name }) => this.#addresses(name)));
    const found = asked.flatMap((one, at) =>
      one.status === "rejected"
        ? []
        : one.value.addresses.map((address) => ({ transport, address, port: usable[at]!.port })),
    );
    const failed = asked.find((one) => one.status === "rejected");
    if (found.length === 0 && failed !== undefined) throw failed.reason;
    const ofAddresses = asked.flatMap((one) => (one.status === "fulfilled" ? one.value.ttlSeconds : []));
    const ttlSeconds = Math.min(...records.map(ttlOf), ...ofAddresses);
    return { found: found.slice(0, LOCATED_MAX), ttlSeconds };
  }

  async #addresses(name: string): Promise<{ addresses: readonly string[]; ttlSeconds: number }> {
    const records = (await this.#options.resolver.addresses(name))
      .map((one) => (typeof one === "string" ? { address: one } : one))
      .filter(({ address }) => isIP(address) !== 0)
      .slice(0, RECORDS_MAX);
    // A target without an address is asked for again as soon as one that is not there at all.
    const ttlSeconds = records.length === 0 ? NEGATIVE_MS / 1000 : Math.min(...records.map(ttlOf));
    return { addresses: records.map(({ address }) => address), ttlSeconds };
  }

  #limited<T>(work: Promise<T>, limitMs: number): Promise<T> {
    return new Promise((done, fail) => {
      const timer = this.#options.clock.after(limitMs, () => fail(new Error("no answer from DNS in time")));
      work.then(done, fail).finally(() => timer.cancel());
    });
  }

  #remember(key: string, found: readonly Located[], forMs: number): void {
    if (this.#cache.size >= CACHE_MAX) this.#cache.delete(this.#cache.keys().next().value!);
    this.#cache.set(key, { found, untilMs: this.#options.clock.nowMs() + forMs });
  }
}

function ttlOf({ ttlSeconds = TTL_SECONDS_UNKNOWN }: { readonly ttlSeconds?: number }): number {
  return ttlSeconds;
}

/** RFC 2782: by priority, then at random in proportion to weight. */
export function orderSrv(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  const ordered: SrvRecord[] = [];
  // Weight 0 stands first, so that it is taken now and then beside others.
  const rest = [...records].sort((a, b) => a.priority - b.priority || Math.sign(a.weight) - Math.sign(b.weight));
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
