/** SIP, SIPS and tel URIs (RFC 3261 §19.1, RFC 3966). */

/** A parsed URI. Other schemes keep everything after the colon in `host`. */
export interface SipUri {
  /** Lower case: sip, sips, tel, or another. */
  scheme: string;
  /** Percent-decoded; undefined when the URI has no user part. For tel: the number. */
  user: string | undefined;
  /** Lower case; IPv6 without brackets; "" for tel. */
  host: string;
  port: number | undefined;
  /** URI parameters, names in lower case, values decoded; "" for a flag. */
  params: Map<string, string>;
  /** URI headers (`?name=value`), decoded, in order. */
  headers: [name: string, value: string][];
}
