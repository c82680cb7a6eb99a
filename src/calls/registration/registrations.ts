/** All registrations of the gateway at carriers, kept in step with the BYOC trunks that ask for one (SIP-REG-3). */

import type { Timer } from "../../base/clock.ts";
import type { Flow } from "../../sip/message.ts";
import type { Store } from "../../store/store.ts";
import type { SipDomain } from "../../trunking/records.ts";
import {
  contactUserOf,
  type Registrar,
  Registration,
  type RegistrationNeeds,
  type RegistrationStatus,
} from "./registration.ts";

/** How often the records are read. */
const READ_MS = 5000;

export class Registrations {
  readonly #needs: RegistrationNeeds;
  readonly #store: Store;
  readonly #registrar: Registrar;
  readonly #byTrunk = new Map<string, Registration>();
  /** Contact user → SID of its BYOC trunk. */
  readonly #trunkOfUser = new Map<string, string>();
  #timer: Timer | undefined;

  constructor(needs: RegistrationNeeds, store: Store, registrar: Registrar) {
    this.#needs = needs;
    this.#store = store;
    this.#registrar = registrar;
  }

  start(): void {
    this.#read();
    this.#timer = this.#needs.clock.after(READ_MS, () => this.start());
  }

  /** Takes all of them back, so that carriers send calls elsewhere. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    const all = [...this.#byTrunk.values()];
    this.#byTrunk.clear();
    await Promise.all(all.map((registration) => registration.remove()));
  }

  flowLost(flow: Flow): void {
    for (const registration of this.#byTrunk.values()) registration.flowLost(flow);
  }

  /** The SIP domain that a call to this user of our Contact belongs to. */
  domainOfUser(user: string | undefined): SipDomain | undefined {
    const trunkSid = user === undefined ? undefined : this.#trunkOfUser.get(user);
    if (trunkSid === undefined) return undefined;
    for (const domain of this.#store.list("sipDomains")) if (domain.byocTrunkSid === trunkSid) return domain;
    return undefined;
  }

  list(): RegistrationStatus[] {
    return [...this.#byTrunk.values()].map(({ status }) => status);
  }

  #read(): void {
    const wanted = new Set<string>();
    for (const trunk of this.#store.list("byocTrunks")) {
      if (trunk.registration == null) continue;
      const known = this.#byTrunk.get(trunk.sid);
      wanted.add(trunk.sid);
      if (known?.isFor(trunk)) continue;
      void known?.remove();
      const registration = new Registration(this.#needs, this.#registrar, trunk, trunk.registration);
      this.#byTrunk.set(trunk.sid, registration);
      this.#trunkOfUser.set(contactUserOf(trunk.sid), trunk.sid);
      registration.start();
    }
    for (const [sid, registration] of this.#byTrunk) {
      if (wanted.has(sid)) continue;
      void registration.remove();
      this.#byTrunk.delete(sid);
      this.#trunkOfUser.delete(contactUserOf(sid));
    }
  }
}
