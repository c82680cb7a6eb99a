/**
 * Names as this machine knows them: the hosts file, then its name servers, then whatever else the system asks (search
 * domains, mDNS), which does not say how long it holds. Where name servers are given, they are the ones to say, and the
 * system is not asked.
 */

import { promises as dns, getServers } from "node:dns";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import type { Clock } from "../../base/clock.ts";
import { parseHostPort } from "../host-port.ts";
import { DnsClient, type NameServer } from "./dns-client.ts";
import type { AddressRecord, Resolver } from "./resolver.ts";

export interface SystemResolverOptions {
  readonly clock: Clock;
  /** `address` or `address:port`; default those of the system. */
  readonly servers?: readonly string[];
  /** Default /etc/hosts. */
  readonly hostsFile?: string;
}

const DNS_PORT = 53;
const HOSTS_FILE = "/etc/hosts";
/** How long the hosts file is believed without looking again. */
const HOSTS_MS = 5000;
/** Both say that the name is not there; other codes say that nobody knows. */
const NO_SUCH_NAME: ReadonlySet<string> = new Set(["ENOTFOUND", "ENODATA"]);

export class SystemResolver implements Resolver {
  readonly #client: DnsClient;
  readonly #clock: Clock;
  readonly #hostsFile: string;
  readonly #asksSystem: boolean;
  #hosts: { readonly untilMs: number; readonly names: ReadonlyMap<string, readonly string[]> } | undefined;

  constructor({ clock, servers, hostsFile = HOSTS_FILE }: SystemResolverOptions) {
    const fixed = servers === undefined || servers.length === 0 ? undefined : servers.map(nameServer);
    this.#client = new DnsClient({ clock, servers: () => fixed ?? getServers().map(nameServer) });
    this.#clock = clock;
    this.#hostsFile = hostsFile;
    this.#asksSystem = fixed === undefined;
  }

  srv(name: string): ReturnType<Resolver["srv"]> {
    return this.#client.srv(name);
  }

  naptr(name: string): ReturnType<NonNullable<Resolver["naptr"]>> {
    return this.#client.naptr(name);
  }

  async addresses(name: string): Promise<readonly (string | AddressRecord)[]> {
    if (isIP(name) !== 0) return [name];
    const named = (await this.#readHosts()).get(name.toLowerCase());
    if (named !== undefined) return named;
    if (!this.#asksSystem) return this.#client.addresses(name);
    try {
      const found = await this.#client.addresses(name);
      if (found.length > 0) return found;
    } catch (error) {
      // Nobody to ask; the system may know another way.
      const found = await lookUp(name).catch(() => []);
      if (found.length === 0) throw error;
      return found;
    }
    return lookUp(name);
  }

  async #readHosts(): Promise<ReadonlyMap<string, readonly string[]>> {
    const nowMs = this.#clock.nowMs();
    if (this.#hosts === undefined || this.#hosts.untilMs <= nowMs) {
      const text = await readFile(this.#hostsFile, "utf8").catch(() => "");
      this.#hosts = { untilMs: nowMs + HOSTS_MS, names: parseHosts(text) };
    }
    return this.#hosts.names;
  }
}

/** Addresses by lower-case name, IPv4 first. */
function parseHosts(text: string): Map<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [address = "", ...aliases] = line.split("#", 1)[0]!.trim().split(/\s+/);
    if (isIP(address) === 0) continue;
    for (const alias of aliases) {
      const name = alias.toLowerCase();
      const known = names.get(name) ?? [];
      if (isIP(address) === 4) known.unshift(address);
      else known.push(address);
      names.set(name, known);
    }
  }
  return names;
}

async function lookUp(name: string): Promise<readonly string[]> {
  try {
    return (await dns.lookup(name, { all: true, order: "ipv4first" })).map(({ address }) => address);
  } catch (error) {
    if (NO_SUCH_NAME.has((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}

/** An address without brackets and port is that of IPv6. */
function nameServer(text: string): NameServer {
  if (isIP(text) !== 0) return { address: text, port: DNS_PORT };
  const { host, port } = parseHostPort(text);
  return { address: host, port: port ?? DNS_PORT };
}
