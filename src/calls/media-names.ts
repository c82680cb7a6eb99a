/**
 * Host names in the c= lines of a description (SDP-15): negotiation knows addresses only, so names are looked up before. A description
 * without names, as all but a few are, passes as it is and at once. A name that nobody knows stays, and is refused for what it is.
 */

import { isIP } from "node:net";
import { isHostName } from "../trunking/target-uri.ts";

/** Names of one description that are looked up: one for the session, one for its audio. */
const NAMES_MAX = 2;
const NAMED = /^c=IN IP[46] (\S+)[ \t]*(?=\r?$)/gm;

/** All addresses of a name; rejects when there are none. */
export type FindAddresses = (name: string) => Promise<readonly string[]>;

export class MediaNames {
  readonly #find: FindAddresses;

  constructor(find: FindAddresses) {
    this.#find = find;
  }

  /**
   * The description with addresses in place of names.
   * @param ownAddress - whose family the addresses have to have
   * @returns at once where there is no name; the promise never rejects
   */
  numeric(description: string, ownAddress: string): string | Promise<string> {
    const names = new Set<string>();
    for (const [, host] of description.matchAll(NAMED))
      if (isIP(host!) === 0 && isHostName(host!) && names.size < NAMES_MAX) names.add(host!);
    return names.size === 0 ? description : this.#resolved(description, names, isIP(ownAddress));
  }

  async #resolved(description: string, names: ReadonlySet<string>, family: number): Promise<string> {
    const addresses = new Map<string, string>();
    await Promise.all(
      [...names].map(async (name) => {
        const found = await this.#find(name).catch(() => []);
        const address = found.find((one) => isIP(one) === family);
        if (address !== undefined) addresses.set(name, address);
      }),
    );
    return description.replace(NAMED, (line, host: string) => {
      const address = addresses.get(host);
      return address === undefined ? line : `c=IN IP${family} ${address}`;
    });
  }
}
