/** TLS of the SIP transports (R-SEC-2, R-SEC-13, R-SEC-14, SIP-TP-12). */

import { createSecureContext, rootCertificates, type SecureContext, type SecureVersion } from "node:tls";

/** One certificate with its key, PEM. */
export interface TlsIdentity {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface TlsOptions extends TlsIdentity {
  /** Certificates by server name, chosen by SNI; `*.example.net` covers one label. */
  readonly perDomain?: ReadonlyMap<string, TlsIdentity>;
  /** Authorities that peers are checked against, besides the system's, PEM. */
  readonly caPem?: string;
  /** Also TLS 1.0 and 1.1; default false. */
  readonly allowDeprecated?: boolean;
}

export interface PreparedTls {
  readonly default: SecureContext;
  readonly minVersion: SecureVersion;
  /** Only with the old versions: OpenSSL 3 speaks them at security level 0. */
  readonly ciphers: string | undefined;
  readonly ca: string[];
  contextFor(serverName: string): SecureContext;
}

/** Reads all certificates once; throws the library's error for one that cannot be read. */
export function prepareTls(options: TlsOptions): PreparedTls {
  const minVersion: SecureVersion = options.allowDeprecated === true ? "TLSv1" : "TLSv1.2";
  const ciphers = options.allowDeprecated === true ? "DEFAULT@SECLEVEL=0" : undefined;
  const make = (identity: TlsIdentity): SecureContext =>
    createSecureContext({
      cert: identity.certPem,
      key: identity.keyPem,
      minVersion,
      ...(ciphers === undefined ? {} : { ciphers }),
    });
  const fallback = make(options);
  const named = new Map([...(options.perDomain ?? [])].map(([name, identity]) => [name.toLowerCase(), make(identity)]));
  return {
    default: fallback,
    minVersion,
    ciphers,
    ca: clientAuthorities(options.caPem),
    contextFor(serverName) {
      const name = serverName.toLowerCase();
      const dot = name.indexOf(".");
      return named.get(name) ?? (dot < 0 ? undefined : named.get(`*${name.slice(dot)}`)) ?? fallback;
    },
  };
}

/** The system's authorities and the operator's. */
export function clientAuthorities(caPem: string | undefined): string[] {
  return caPem === undefined || caPem === "" ? [...rootCertificates] : [...rootCertificates, caPem];
}
