/** TLS of the SIP transports (R-SEC-2, R-SEC-13, R-SEC-14, SIP-TP-12). */

import { isIP } from "node:net";
import {
  checkServerIdentity,
  createSecureContext,
  type PeerCertificate,
  rootCertificates,
  type SecureContext,
  type SecureVersion,
  type TlsOptions as ServerOptions,
} from "node:tls";
import { TransportError } from "../../base/errors.ts";

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
  /**
   * Certificates of clients (SIP-TP-13): asked for and used when they are good, or required; only authorities of `caPem`
   * count. Default "off".
   */
  readonly clientCertificates?: "off" | "request" | "require";
  /** A certificate for `*.example.net` is good for names of one more label, against RFC 5922 §7.2; default true. */
  readonly wildcards?: boolean;
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
  const hasAuthority = options.caPem !== undefined && options.caPem !== "";
  if (asksForCertificates(options) && !hasAuthority)
    throw new TransportError(
      "TRANSPORT_TLS",
      "certificates of clients are asked for, but no authority (caFile) is configured",
    );
  const make = (identity: TlsIdentity): SecureContext =>
    createSecureContext({
      cert: identity.certPem,
      key: identity.keyPem,
      minVersion,
      // The context that SNI chose is the one that clients are checked by.
      ...(asksForCertificates(options) ? { ca: options.caPem! } : {}),
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

function asksForCertificates({ clientCertificates: wanted = "off" }: TlsOptions): boolean {
  return wanted !== "off";
}

/** What a listener asks of clients. */
export function clientCertificates(options: TlsOptions): ServerOptions {
  if (!asksForCertificates(options)) return {};
  return { requestCert: true, rejectUnauthorized: options.clientCertificates === "require", ca: options.caPem! };
}

/**
 * Whether a certificate is for this name (RFC 5922 §7.1): a sip URI or a DNS name among its alternative names, or its address.
 * @returns what is wrong, undefined when it is good
 */
export function checkPeerName(name: string, certificate: PeerCertificate, wildcards: boolean): Error | undefined {
  const names = peerNames(certificate);
  if (names.includes(name.toLowerCase())) return undefined;
  const fault = checkServerIdentity(name, certificate);
  if (fault !== undefined || wildcards || isIP(name) !== 0) return fault;
  const error = new Error(`only a wildcard of the certificate covers ${name}`) as NodeJS.ErrnoException;
  error.code = "ERR_TLS_CERT_ALTNAME_INVALID";
  return error;
}

/** Names and sip domains that a certificate vouches for, in lower case; wildcards stay as they are. */
export function peerNames({ subjectaltname = "" }: PeerCertificate): string[] {
  // Node quotes what could be taken for a separator; nobody has such a name for an honest reason.
  if (subjectaltname.includes('"')) return [];
  return subjectaltname.split(", ").flatMap((entry) => {
    const [, name] = /^(?:DNS:|URI:sip:)([A-Za-z0-9*._-]+)$/.exec(entry) ?? [];
    return name === undefined ? [] : name.toLowerCase();
  });
}
