/** Records as a configuration file declares them. Names have been checked; here they become SIDs (`declared-sid.ts`). */

import { parseRange } from "../trunking/acl.ts";
import type { RecordKind, RecordKinds } from "../trunking/records.ts";
import { accountNameOf } from "./declared-checks.ts";
import type { DeclaredObjects, DeclaredTarget } from "./declared-schema.ts";
import { declaredAccountSid, declaredSid } from "./declared-sid.ts";

/** A record with the word that people know it by. */
export type NamedRecord = {
  [K in RecordKind]: { readonly kind: K; readonly name: string; readonly record: RecordKinds[K] };
}[RecordKind];

export interface RecordMaking {
  /** ISO 8601; date of records that are new. */
  readonly now: string;
  /** Symmetric RTP where an object says nothing. */
  readonly symmetricDefault: boolean;
  /** Seals a password for the record or entry with that SID. */
  readonly seal: (password: string, sid: string) => string;
}

/** Makes all records of a file. */
export function declaredRecords(objects: DeclaredObjects, making: RecordMaking): NamedRecord[] {
  return new RecordMaker(objects, making).all();
}

class RecordMaker {
  readonly #objects: DeclaredObjects;
  readonly #making: RecordMaking;

  constructor(objects: DeclaredObjects, making: RecordMaking) {
    this.#objects = objects;
    this.#making = making;
  }

  all(): NamedRecord[] {
    return [
      ...this.#accounts(),
      ...this.#lists(),
      ...this.#policies(),
      ...this.#byocTrunks(),
      ...this.#sipDomains(),
      ...this.#trunks(),
      ...this.#numbers(),
    ];
  }

  #accounts(): NamedRecord[] {
    return this.#objects.accounts.map((account) => ({
      kind: "accounts",
      name: account.name,
      record: {
        sid: this.#accountSid(account.name),
        friendlyName: account.name,
        parentSid: account.parent === null ? null : this.#accountSid(account.parent),
        authToken: account.authToken,
        dateCreated: this.#making.now,
        dateUpdated: this.#making.now,
      },
    }));
  }

  #lists(): NamedRecord[] {
    const acls = this.#objects.ipAccessControlLists.map((acl): NamedRecord => {
      const account = accountNameOf(acl, this.#objects);
      const addresses = acl.addresses.map((text) => ({
        sid: declaredSid("IP", account, "ipAccessControlLists", acl.name, text),
        friendlyName: text,
        ...parseRange(text)!,
      }));
      const sid = declaredSid("AL", account, "ipAccessControlLists", acl.name);
      return {
        kind: "ipAcls",
        name: acl.name,
        record: { ...this.#base(sid, account), friendlyName: acl.name, addresses },
      };
    });
    const lists = this.#objects.credentialLists.map((list): NamedRecord => {
      const account = accountNameOf(list, this.#objects);
      const credentials = list.credentials.map(({ username, password }) => {
        const sid = declaredSid("CR", account, "credentialLists", list.name, username);
        return { sid, username, sealedPassword: this.#making.seal(password, sid) };
      });
      const sid = declaredSid("CL", account, "credentialLists", list.name);
      const record = { ...this.#base(sid, account), friendlyName: list.name, credentials };
      return { kind: "credentialLists", name: list.name, record };
    });
    return [...acls, ...lists];
  }

  #policies(): NamedRecord[] {
    return this.#objects.connectionPolicies.flatMap((policy): NamedRecord[] => {
      const account = accountNameOf(policy, this.#objects);
      const sid = this.#sid("NY", account, "connectionPolicies", policy.name)!;
      return [
        {
          kind: "connectionPolicies",
          name: policy.name,
          record: { ...this.#base(sid, account), friendlyName: policy.name },
        },
        ...policy.targets.map((target): NamedRecord => {
          const record = this.#target("NE", withOptionsOf(policy, target), sid, account, [
            "connectionPolicies",
            policy.name,
          ]);
          return { kind: "connectionPolicyTargets", name: `${policy.name} / ${record.friendlyName}`, record };
        }),
      ];
    });
  }

  #byocTrunks(): NamedRecord[] {
    return this.#objects.byocTrunks.map((trunk) => {
      const account = accountNameOf(trunk, this.#objects);
      const { name, account: _account, connectionPolicy, fromDomain, registration, ...same } = trunk;
      return {
        kind: "byocTrunks",
        name,
        record: {
          ...this.#base(this.#sid("BY", account, "byocTrunks", name)!, account),
          ...same,
          friendlyName: name,
          registration:
            registration === null ? null : { ...registration, user: registration.user ?? trunk.targetUsername ?? "" },
          connectionPolicySid: this.#sid("NY", account, "connectionPolicies", connectionPolicy),
          fromDomainSid: this.#sid("SD", account, "sipDomains", fromDomain?.toLowerCase() ?? null),
        },
      };
    });
  }

  #sipDomains(): NamedRecord[] {
    return this.#objects.sipDomains.map((domain) => {
      const account = accountNameOf(domain, this.#objects);
      const { voiceUrl, voiceMethod, voiceFallbackUrl, voiceFallbackMethod, secure } = domain;
      return {
        kind: "sipDomains",
        name: domain.domain,
        record: {
          ...this.#base(this.#sid("SD", account, "sipDomains", domain.domain)!, account),
          domainName: domain.domain,
          friendlyName: domain.name ?? domain.domain,
          byocTrunkSid: this.#sid("BY", account, "byocTrunks", domain.byocTrunk),
          secure,
          symmetricRtp: domain.symmetricRtp ?? this.#making.symmetricDefault,
          ...this.#mappings(domain, account),
          voiceUrl,
          voiceMethod,
          voiceFallbackUrl,
          voiceFallbackMethod,
        },
      };
    });
  }

  #trunks(): NamedRecord[] {
    return this.#objects.trunks.flatMap((trunk): NamedRecord[] => {
      const account = accountNameOf(trunk, this.#objects);
      const sid = this.#sid("TK", account, "trunks", trunk.name)!;
      const record: RecordKinds["trunks"] = {
        ...this.#base(sid, account),
        friendlyName: trunk.name,
        domainName: trunk.domain,
        secure: trunk.secure,
        symmetricRtp: trunk.symmetricRtp ?? this.#making.symmetricDefault,
        cnamLookup: trunk.cnamLookup,
        transferMode: trunk.transferMode,
        transferCallerId: trunk.transferCallerId,
        disasterRecoveryUrl: trunk.disasterRecoveryUrl,
        disasterRecoveryMethod: trunk.disasterRecoveryMethod,
        ...this.#mappings(trunk, account),
        carrierLink: this.#carrierLink(trunk, account),
        callerIdPolicy: trunk.callerIdPolicy,
        callsPerSecondMax: trunk.callsPerSecondMax,
        concurrentCallsMax: trunk.concurrentCallsMax,
        destinationAllowList: trunk.destinationAllowList,
        tlsVerify: trunk.tlsVerify,
        trusted: trunk.trusted,
        passHeaders: trunk.passHeaders,
        userPhone: trunk.userPhone,
        infoDigits: trunk.infoDigits,
        recordingMode: trunk.recordingMode,
        recordingTrim: trunk.recordingTrim,
      };
      return [
        { kind: "trunks", name: trunk.name, record },
        ...trunk.originationUrls.map((target): NamedRecord => {
          const url = this.#target("OU", withOptionsOf(trunk, target), sid, account, ["trunks", trunk.name]);
          return { kind: "originationUrls", name: `${trunk.name} / ${url.friendlyName}`, record: url };
        }),
      ];
    });
  }

  #numbers(): NamedRecord[] {
    const numbers = this.#objects.phoneNumbers.map((declared): NamedRecord => {
      const account = accountNameOf(declared, this.#objects);
      const { number, name, trunk, account: _account, ...same } = declared;
      const record = {
        ...this.#base(declaredSid("PN", account, "phoneNumbers", number), account),
        ...same,
        phoneNumber: number,
        friendlyName: name ?? number,
        trunkSid: this.#sid("TK", account, "trunks", trunk),
      };
      return { kind: "phoneNumbers", name: number, record };
    });
    const callerIds = this.#objects.outgoingCallerIds.map((declared): NamedRecord => {
      const account = accountNameOf(declared, this.#objects);
      const { number, name } = declared;
      const sid = declaredSid("PN", account, "outgoingCallerIds", number);
      const record = { ...this.#base(sid, account), phoneNumber: number, friendlyName: name ?? number };
      return { kind: "outgoingCallerIds", name: number, record };
    });
    return [...numbers, ...callerIds];
  }

  #carrierLink(trunk: DeclaredObjects["trunks"][number], account: string): RecordKinds["trunks"]["carrierLink"] {
    const link = trunk.carrierLink;
    if (link === null) return null;
    if (link.byocTrunk !== null)
      return { kind: "byoc", byocTrunkSid: this.#sid("BY", account, "byocTrunks", link.byocTrunk)! };
    if (link.trunk !== null) return { kind: "trunk", trunkSid: this.#sid("TK", account, "trunks", link.trunk)! };
    return { kind: "twiml", url: link.url!, method: link.method };
  }

  #mappings(
    item: Pick<DeclaredObjects["trunks"][number], "ipAccessControlLists" | "certificateNames" | "credentialLists">,
    account: string,
  ) {
    return {
      ipAclSids: item.ipAccessControlLists.map((name) => declaredSid("AL", account, "ipAccessControlLists", name)),
      certificateNames: item.certificateNames,
      credentialListSids: item.credentialLists.map((name) => declaredSid("CL", account, "credentialLists", name)),
    };
  }

  #target(prefix: "OU" | "NE", target: DeclaredTarget, parentSid: string, account: string, parent: readonly string[]) {
    const { name, url, ...same } = target;
    const friendlyName = name ?? url.slice(0, 64);
    return {
      ...this.#base(declaredSid(prefix, account, ...parent, name ?? url), account),
      ...same,
      parentSid,
      friendlyName,
      sipUrl: url,
    };
  }

  #sid<T extends string | null>(prefix: "NY" | "SD" | "BY" | "TK", account: string, kind: string, name: T) {
    return name === null ? null : declaredSid(prefix, account, kind, name);
  }

  #base(sid: string, account: string) {
    const { now } = this.#making;
    return { sid, accountSid: this.#accountSid(account), dateCreated: now, dateUpdated: now };
  }

  #accountSid(name: string): string {
    const given = this.#objects.accounts.find((account) => account.name === name)?.sid;
    return declaredAccountSid({ name, sid: given ?? null });
  }
}

/** A trunk or policy speaks for its targets where they say nothing themselves (R-KEEP-6). */
function withOptionsOf(parent: { readonly optionsSeconds: number | null }, target: DeclaredTarget): DeclaredTarget {
  return { ...target, optionsSeconds: target.optionsSeconds ?? parent.optionsSeconds };
}
