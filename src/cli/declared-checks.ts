/**
 * What the objects of a configuration file have to be among themselves: names that lead somewhere, limits that count over
 * several objects, rules that have a number in the requirements. The same rules hold for REST.
 */

import type { GatewayConfig } from "../base/gateway-config.ts";
import { subdomainProblem } from "../trunking/domains.ts";
import { EdgeTable } from "../trunking/edges.ts";
import { TARGETS_MAX, targetNumbersProblem } from "../trunking/origination.ts";
import { passwordProblem } from "../trunking/passwords.ts";
import { readTargetUri } from "../trunking/target-uri.ts";
import type { ConfigPath, ConfigProblem } from "./config-document.ts";
import type { DeclaredObjects, DeclaredTarget } from "./declared-schema.ts";
import { nearestWord } from "./nearest-word.ts";

/** Kinds that others name. */
export type NamedKind =
  | "trunks"
  | "byocTrunks"
  | "connectionPolicies"
  | "sipDomains"
  | "ipAccessControlLists"
  | "credentialLists";

const KIND_WORDS: Readonly<Record<NamedKind, string>> = {
  trunks: "trunk",
  byocTrunks: "BYOC trunk",
  connectionPolicies: "connection policy",
  sipDomains: "SIP domain",
  ipAccessControlLists: "IP access control list",
  credentialLists: "credential list",
};

/** Name of the account that an object belongs to: its own, else the first of the file. */
export function accountNameOf(item: { readonly account: string | null }, objects: DeclaredObjects): string {
  return item.account ?? objects.accounts[0]?.name ?? "";
}

/** The name by which others refer to an object: SIP domains go by their label. */
export function nameOf(
  item: { readonly name: string | null; readonly domain?: string | null },
  kind: NamedKind,
): string {
  return (kind === "sipDomains" ? item.domain : item.name) ?? "";
}

export interface DeclaredFindings {
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly { readonly path: ConfigPath; readonly message: string }[];
}

/** Checks all objects of a file. */
export function checkDeclared(objects: DeclaredObjects, settings: GatewayConfig): DeclaredFindings {
  const check = new DeclaredCheck(objects, settings);
  check.accounts();
  check.names();
  check.lists();
  check.policies();
  check.byocTrunks();
  check.domains();
  check.trunks();
  check.numbers();
  return check;
}

class DeclaredCheck implements DeclaredFindings {
  readonly problems: ConfigProblem[] = [];
  readonly warnings: { path: ConfigPath; message: string }[] = [];
  readonly #objects: DeclaredObjects;
  readonly #settings: GatewayConfig;
  readonly #edges: EdgeTable;
  /** Kind and account → names. */
  readonly #names = new Map<string, Set<string>>();

  constructor(objects: DeclaredObjects, settings: GatewayConfig) {
    this.#objects = objects;
    this.#settings = settings;
    this.#edges = new EdgeTable(settings.edges);
  }

  accounts(): void {
    const { accounts } = this.#objects;
    const names = new Map(accounts.map((account) => [account.name, account]));
    const sids = new Set<string>();
    for (const [index, account] of accounts.entries()) {
      const at = ["accounts", index] as const;
      if (names.get(account.name) !== account) this.#problem([...at, "name"], "another account has this name");
      if (account.sid !== null && sids.has(account.sid)) this.#problem([...at, "sid"], "another account has this SID");
      if (account.sid !== null) sids.add(account.sid);
      if (account.parent === null) continue;
      const parent = names.get(account.parent);
      if (parent === undefined || parent === account)
        this.#problem(
          [...at, "parent"],
          `there is no other account ${JSON.stringify(account.parent)}${near(account.parent, names.keys())}`,
        );
      else if (parent.parent !== null) this.#problem([...at, "parent"], "a sub-account cannot be a parent");
    }
    for (const kind of Object.keys(this.#objects) as (keyof DeclaredObjects)[]) {
      if (kind === "accounts") continue;
      for (const [index, item] of this.#objects[kind].entries()) {
        if (item.account !== null && !names.has(item.account))
          this.#problem(
            [kind, index, "account"],
            `there is no account ${JSON.stringify(item.account)}${near(item.account, names.keys())}`,
          );
        else if (accounts.length === 0) this.#problem([kind, index], "needs an account: declare one under accounts");
      }
    }
  }

  /** Names are unique within a kind and an account. */
  names(): void {
    for (const kind of Object.keys(KIND_WORDS) as NamedKind[]) {
      for (const [index, item] of this.#objects[kind].entries()) {
        const names = this.#namesOf(kind, item);
        const name = nameOf(item, kind);
        // Labels are unique over all accounts, which is checked with them.
        if (names.has(name) && kind !== "sipDomains")
          this.#problem([kind, index], `another ${KIND_WORDS[kind]} has the name ${JSON.stringify(name)}`);
        names.add(name);
      }
    }
  }

  lists(): void {
    for (const [index, { credentials }] of this.#objects.credentialLists.entries()) {
      const users = new Set<string>();
      for (const [entry, { username, password }] of credentials.entries()) {
        const at = ["credentialLists", index, "credentials", entry] as const;
        if (users.has(username)) this.#problem([...at, "username"], "the list has this user twice");
        users.add(username);
        const problem = passwordProblem(password);
        if (problem !== null) this.#problem([...at, "password"], `${problem} (R-AUTH-8)`);
      }
    }
  }

  policies(): void {
    for (const [index, policy] of this.#objects.connectionPolicies.entries())
      this.#targets(policy.targets, ["connectionPolicies", index, "targets"], "connection-policy");
  }

  #registration(trunk: DeclaredObjects["byocTrunks"][number], at: readonly (string | number)[]): void {
    const { registration } = trunk;
    if (registration === null) return;
    const reading = readTargetUri(registration.registrar, this.#edges);
    if (!("uri" in reading)) this.#problem([...at, "registration", "registrar"], reading.problem);
    if (registration.user === null && trunk.targetUsername === null)
      this.#problem([...at, "registration"], "expected user, or targetUsername to register as");
    if (!this.#objects.sipDomains.some(({ byocTrunk }) => byocTrunk === trunk.name))
      this.#warning(
        [...at, "registration"],
        "no SIP domain belongs to this BYOC trunk, so calls from the carrier find no way in",
      );
  }

  byocTrunks(): void {
    const defaults = new Set<string>();
    for (const [index, trunk] of this.#objects.byocTrunks.entries()) {
      const at = ["byocTrunks", index] as const;
      this.#reference("connectionPolicies", trunk, trunk.connectionPolicy, [...at, "connectionPolicy"]);
      this.#reference("sipDomains", trunk, trunk.fromDomain, [...at, "fromDomain"]);
      if ((trunk.targetUsername === null) !== (trunk.targetPassword === null))
        this.#problem([...at], "targetUsername and targetPassword belong together");
      this.#registration(trunk, at);
      if (!trunk.tlsVerify) this.#warning([...at, "tlsVerify"], "certificates of its targets are not checked");
      if (!trunk.defaultCarrier) continue;
      const account = accountNameOf(trunk, this.#objects);
      if (defaults.has(account))
        this.#problem([...at, "defaultCarrier"], "another BYOC trunk of the account is the default carrier");
      defaults.add(account);
    }
  }

  domains(): void {
    for (const [index, domain] of this.#objects.sipDomains.entries()) {
      const at = ["sipDomains", index] as const;
      this.#reference("byocTrunks", domain, domain.byocTrunk, [...at, "byocTrunk"]);
      this.#authentication(domain, domain.domain, at);
      if (domain.byocTrunk === null && domain.voiceUrl === null)
        this.#warning(
          at,
          `SIP domain ${domain.domain} has neither a BYOC trunk nor a voice URL: its calls end with 404`,
        );
    }
    this.#labels(this.#objects.sipDomains, "sipDomains");
    this.#labels(this.#objects.trunks, "trunks");
  }

  trunks(): void {
    for (const [index, trunk] of this.#objects.trunks.entries()) {
      const at = ["trunks", index] as const;
      this.#targets(trunk.originationUrls, [...at, "originationUrls"], "trunk");
      if (trunk.domain !== null) this.#authentication(trunk, trunk.domain, at);
      if (!trunk.tlsVerify)
        this.#warning([...at, "tlsVerify"], "certificates of its targets are not checked (R-SEC-14)");
      this.#carrierLink(trunk, at);
      if (this.#settings.compliance.noAudioAtRest && trunk.recordingMode !== "do-not-record")
        this.#problem(
          [...at, "recordingMode"],
          "compliance.noAudioAtRest is on: this gateway records nothing (R-COMP-6)",
        );
    }
  }

  numbers(): void {
    const numbers = new Set<string>();
    for (const [index, number] of this.#objects.phoneNumbers.entries()) {
      const at = ["phoneNumbers", index] as const;
      if (numbers.has(number.number)) this.#problem([...at, "number"], "another entry has this number");
      numbers.add(number.number);
      this.#reference("trunks", number, number.trunk, [...at, "trunk"]);
      if (number.trunk !== null && number.voiceUrl !== null)
        this.#warning([...at, "voiceUrl"], "a number with a trunk does not use its voice URL (R-NUM-7)");
    }
    const verified = new Set<string>();
    for (const [index, callerId] of this.#objects.outgoingCallerIds.entries()) {
      const key = `${accountNameOf(callerId, this.#objects)} ${callerId.number}`;
      if (verified.has(key)) this.#problem(["outgoingCallerIds", index, "number"], "another entry has this number");
      verified.add(key);
    }
  }

  #carrierLink(trunk: DeclaredObjects["trunks"][number], at: ConfigPath): void {
    const { carrierLink } = trunk;
    if (carrierLink === null) return;
    const path = [...at, "carrierLink"];
    const given = [carrierLink.byocTrunk, carrierLink.trunk, carrierLink.url].filter((value) => value !== null);
    if (given.length !== 1) this.#problem(path, "expected exactly one of byocTrunk, trunk and url (R-GEN-6)");
    this.#reference("byocTrunks", trunk, carrierLink.byocTrunk, [...path, "byocTrunk"]);
    this.#reference("trunks", trunk, carrierLink.trunk, [...path, "trunk"]);
    if (carrierLink.trunk === trunk.name) this.#problem([...path, "trunk"], "a trunk cannot be its own carrier");
  }

  #targets(targets: readonly DeclaredTarget[], at: ConfigPath, parent: "trunk" | "connection-policy"): void {
    const names = new Set<string>();
    for (const [index, target] of targets.entries()) {
      const path = [...at, index];
      if (index === TARGETS_MAX) {
        const rule = parent === "trunk" ? "R-ORIG-1" : "R-BYOC-10";
        this.#problem(path, `found ${targets.length} targets, expected at most ${TARGETS_MAX} (${rule})`);
      }
      const name = target.name ?? target.url;
      if (names.has(name)) this.#problem(path, `another target here has the name ${JSON.stringify(name)}`);
      names.add(name);
      const numbers = targetNumbersProblem(target.priority, target.weight, parent);
      if (numbers !== null) this.#problem([...path, "weight"], `${numbers} (R-ORIG-13)`);
      const reading = readTargetUri(target.url, this.#edges);
      if ("problem" in reading) this.#problem([...path, "url"], `${reading.problem} (code ${reading.restCode})`);
      else if (reading.uri.adjustedFromSips)
        this.#warning([...path, "url"], "sips: is used as sip: over TLS, which protects this hop only (R-ORIG-9)");
    }
  }

  /** R-TERM-1 and R-TERM-3. */
  #labels(items: DeclaredObjects["trunks"] | DeclaredObjects["sipDomains"], kind: "trunks" | "sipDomains"): void {
    const owners = new Map<string, { accountSid: string }>();
    const parents = new Map(this.#objects.accounts.map(({ name, parent }) => [name, parent]));
    for (const item of items)
      if (item.domain !== null) owners.set(item.domain, { accountSid: accountNameOf(item, this.#objects) });
    const seen = new Set<string>();
    for (const [index, item] of items.entries()) {
      if (item.domain === null) continue;
      const path = [kind, index, "domain"];
      if (seen.has(item.domain)) this.#problem(path, "the domain is used twice (R-TERM-1)");
      seen.add(item.domain);
      const account = accountNameOf(item, this.#objects);
      const problem = subdomainProblem(item.domain, account, parents.get(account) ?? null, (label) =>
        owners.get(label),
      );
      if (problem !== null) this.#problem(path, `${problem} (R-TERM-3)`);
    }
  }

  /** R-AUTH-1, R-AUTH-14, R-SEC-3. */
  #authentication(
    item: DeclaredObjects["trunks"][number] | DeclaredObjects["sipDomains"][number],
    label: string,
    at: ConfigPath,
  ): void {
    for (const kind of ["ipAccessControlLists", "credentialLists"] as const)
      for (const [index, name] of item[kind].entries()) this.#reference(kind, item, name, [...at, kind, index]);
    const { ipAccessControlLists, certificateNames, credentialLists } = item;
    if (certificateNames.length > 0 && this.#settings.tls.clientCertificates === "off")
      this.#problem(
        [...at, "certificateNames"],
        "clients are asked for no certificate: set tls.clientCertificates to request or require (SIP-TP-13)",
      );
    if (ipAccessControlLists.length + certificateNames.length + credentialLists.length === 0)
      this.#problem(
        at,
        `domain ${JSON.stringify(label)} needs an IP access control list or a credential list (R-AUTH-1)`,
      );
    else if (ipAccessControlLists.length > 0 && credentialLists.length === 0)
      this.#warning(
        at,
        `domain ${JSON.stringify(label)} is protected by addresses alone, which can be forged: map a credential list too (R-AUTH-14)`,
      );
    if (item.secure && this.#settings.tls.certFile === null)
      this.#problem([...at, "secure"], "a secure domain needs TLS: give tls.certFile and tls.keyFile (R-SEC-3)");
  }

  #reference(kind: NamedKind, from: { readonly account: string | null }, name: string | null, path: ConfigPath): void {
    if (name === null) return;
    const names = this.#namesOf(kind, from);
    if (names.has(kind === "sipDomains" ? name.toLowerCase() : name)) return;
    this.#problem(path, `there is no ${KIND_WORDS[kind]} ${JSON.stringify(name)} in this account${near(name, names)}`);
  }

  #namesOf(kind: NamedKind, item: { readonly account: string | null }): Set<string> {
    const key = `${kind} ${accountNameOf(item, this.#objects)}`;
    const names = this.#names.get(key) ?? new Set<string>();
    this.#names.set(key, names);
    return names;
  }

  #problem(path: ConfigPath, message: string): void {
    this.problems.push({ path, message });
  }

  #warning(path: ConfigPath, message: string): void {
    this.warnings.push({ path, message });
  }
}

function near(name: string, names: Iterable<string>): string {
  const word = nearestWord(name, names);
  return word === undefined ? "" : `; did you mean ${JSON.stringify(word)}?`;
}
