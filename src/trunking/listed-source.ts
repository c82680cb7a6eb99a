/**
 * Where a domain lets requests come from: addresses of its access control lists (R-AUTH-2), and clients whose certificate carries
 * one of its names (SIP-TP-13), which stands in for an entry. Either is enough.
 */

import { matchingAclEntry } from "./acl.ts";
import type { IpAcl, IpAclAddress, SourceGuards } from "./records.ts";

/** What is known of who sent a request. */
export interface RequestSource {
  readonly remoteAddress: string;
  /** Names of a certificate that was verified, in lower case; absent without one. */
  readonly tlsNames?: readonly string[];
}

export type ListedSource =
  | { readonly by: "address"; readonly acl: IpAcl; readonly entry: IpAclAddress }
  | { readonly by: "certificate"; readonly name: string };

/** True when the domain asks where a request comes from. The mappings count, not the lists behind them. */
export function guardsSources({ ipAclSids, certificateNames = [] }: SourceGuards): boolean {
  return ipAclSids.length > 0 || certificateNames.length > 0;
}

/**
 * Why the source is let in, undefined when it is not.
 * @param acls - the lists that are mapped to the domain
 */
export function listedSource(
  { certificateNames = [] }: SourceGuards,
  acls: Iterable<IpAcl>,
  { remoteAddress, tlsNames = [] }: RequestSource,
): ListedSource | undefined {
  const match = matchingAclEntry(acls, remoteAddress);
  if (match !== undefined) return { by: "address", ...match };
  const name = certificateNames.find((one) => tlsNames.includes(one));
  return name === undefined ? undefined : { by: "certificate", name };
}
