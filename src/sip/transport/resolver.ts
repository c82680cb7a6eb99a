/** What the stack wants to know of DNS (RFC 3263): types only. */

export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
  /** Undefined when it is not known. */
  readonly ttlSeconds?: number;
}

export interface NaptrRecord {
  readonly order: number;
  readonly preference: number;
  readonly flags: string;
  /** `SIPS+D2T`, `SIP+D2T`, `SIP+D2U` and others. */
  readonly service: string;
  readonly replacement: string;
  readonly ttlSeconds?: number;
}

export interface AddressRecord {
  readonly address: string;
  readonly ttlSeconds?: number;
}

/**
 * DNS as the stack needs it. An empty list says that there is no such record; a resolver that cannot say so throws, and what
 * was known before is used on (SIP-DNS-7).
 */
export interface Resolver {
  srv(name: string): Promise<readonly SrvRecord[]>;
  addresses(name: string): Promise<readonly (string | AddressRecord)[]>;
  naptr?(name: string): Promise<readonly NaptrRecord[]>;
}
