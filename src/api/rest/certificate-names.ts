/** `CertificateNames` of trunks and SIP domains, a parameter of this gateway's own: whose client certificate lets a caller in (SIP-TP-13). */

import { isIP } from "node:net";
import type { SourceGuards } from "../../trunking/records.ts";
import { isHostName } from "../../trunking/target-uri.ts";
import type { Parameters } from "./parameters.ts";
import { badParameter } from "./rest-error.ts";

const NAMES_MAX = 100;
const TEXT_LENGTH_MAX = 8192;

/** Names with commas between them; empty for none. */
export function readCertificateNames(body: Parameters): string[] | undefined {
  const text = body.text("CertificateNames", TEXT_LENGTH_MAX);
  if (text === undefined) return undefined;
  const names = text
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
  if (names.length > NAMES_MAX) throw badParameter("CertificateNames", `at most ${NAMES_MAX} names`);
  for (const name of names)
    if (!isHostName(name) || isIP(name) !== 0)
      throw badParameter("CertificateNames", `${name.slice(0, 64)} is no domain name`);
  return names;
}

export function showCertificateNames({ certificateNames }: SourceGuards): object {
  return { certificate_names: certificateNames ?? [] };
}
