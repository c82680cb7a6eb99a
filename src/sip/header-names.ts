/** Names of header fields: compact forms, any case, usual spelling (RFC 3261 §7.3.1, §7.3.3; SIP-MSG-4). */

/** RFC 3261 §7.3.3 and the registry of header fields. */
const COMPACT: ReadonlyMap<string, string> = new Map([
  ["a", "Accept-Contact"],
  ["b", "Referred-By"],
  ["c", "Content-Type"],
  ["d", "Request-Disposition"],
  ["e", "Content-Encoding"],
  ["f", "From"],
  ["i", "Call-ID"],
  ["j", "Reject-Contact"],
  ["k", "Supported"],
  ["l", "Content-Length"],
  ["m", "Contact"],
  ["n", "Identity-Info"],
  ["o", "Event"],
  ["r", "Refer-To"],
  ["s", "Subject"],
  ["t", "To"],
  ["u", "Allow-Events"],
  ["v", "Via"],
  ["x", "Session-Expires"],
  ["y", "Identity"],
]);

/** Spellings that capitalising each word would get wrong. */
const SPELLING: ReadonlyMap<string, string> = new Map([
  ["call-id", "Call-ID"],
  ["content-id", "Content-ID"],
  ["cseq", "CSeq"],
  ["mime-version", "MIME-Version"],
  ["min-se", "Min-SE"],
  ["p-called-party-id", "P-Called-Party-ID"],
  ["rack", "RAck"],
  ["rseq", "RSeq"],
  ["sip-etag", "SIP-ETag"],
  ["sip-if-match", "SIP-If-Match"],
  ["user-to-user", "User-to-User"],
  ["www-authenticate", "WWW-Authenticate"],
]);

/** Names that nearly every message has: one look-up instead of the making of a name. Nothing is added at run time. */
const COMMON: ReadonlyMap<string, string> = new Map(
  [
    "Accept Allow Authorization Call-ID Contact Content-Disposition Content-Encoding Content-Length Content-Type CSeq Date",
    "Diversion Event Expires From Max-Forwards Min-SE P-Asserted-Identity Privacy Proxy-Authenticate Proxy-Authorization",
    "Reason Record-Route Refer-To Remote-Party-ID Require Retry-After Route Server Session-Expires Subject",
    "Subscription-State Supported To User-Agent Via Warning WWW-Authenticate",
  ]
    .join(" ")
    .split(" ")
    .flatMap((name) => [[name, name] as const, [name.toLowerCase(), name] as const]),
);

/** The long name in its usual spelling: `v` and `VIA` give `Via`; `x-account` keeps what was sent. */
export function canonicalName(name: string): string {
  const common = COMMON.get(name);
  if (common !== undefined) return common;
  const lower = name.toLowerCase();
  return (
    COMMON.get(lower) ??
    COMPACT.get(lower) ??
    SPELLING.get(lower) ??
    // Unknown X- headers go to webhooks under the name that was received.
    (lower.startsWith("x-") ? name : capitalised(lower))
  );
}

function capitalised(lower: string): string {
  return lower
    .split("-")
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join("-");
}

/** Of the names in COMMON, so that no message has its own copies. */
const LOWER: ReadonlyMap<string, string> = new Map([...COMMON.values()].map((name) => [name, name.toLowerCase()]));

/** A canonical name in lower case. */
export function lowerName(canonical: string): string {
  return LOWER.get(canonical) ?? canonical.toLowerCase();
}
