/** Random but valid parts of SIP messages, for property tests. */
import fc from "fast-check";
import { Headers } from "../../src/sip/headers.ts";
import type { NameAddr, SipMessage, SipRequest, SipResponse, Via } from "../../src/sip/message.ts";
import type { SipUri } from "../../src/sip/uri.ts";

const from = (characters: string): fc.Arbitrary<string> => fc.constantFrom(...characters);
const ALPHANUMERIC = "abcdefghijklmnopqrstuvwxyz0123456789";

export const token = fc.string({ unit: from(`${ALPHANUMERIC}ABC-.!%*_+\`'~`), minLength: 1, maxLength: 12 });
const lowerToken = token.map((text) => text.toLowerCase());
/** Visible text with everything that has a meaning in SIP, and some that is not ASCII. */
const text = fc.string({ unit: fc.constantFrom(...'ab \\"<>;,:@?=&%/()[]{}ñ電🎉'), maxLength: 20 });
/** The same with control characters, which only escapes can carry. */
const anyText = fc.string({
  unit: fc.oneof(fc.constantFrom(...'ab @:;?&=%\r\n\0"<>'), fc.string({ unit: "binary", minLength: 1, maxLength: 1 })),
  maxLength: 12,
});
const domainLabel = fc.string({ unit: from(ALPHANUMERIC), minLength: 1, maxLength: 8 });
const ipv4 = fc.ipV4();
const host = fc.oneof(
  fc.array(domainLabel, { minLength: 1, maxLength: 3 }).map((labels) => labels.join(".")),
  ipv4,
  fc.ipV6(),
);
const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined });

function uniqueMap(name: fc.Arbitrary<string>, value: fc.Arbitrary<string>): fc.Arbitrary<Map<string, string>> {
  return fc.array(fc.tuple(name, value), { maxLength: 4 }).map((entries) => new Map(entries));
}

const notEmpty = anyText.filter((value) => value !== "");

export const sipUri: fc.Arbitrary<SipUri> = fc.record({
  scheme: fc.constantFrom("sip", "sips"),
  user: fc.option(notEmpty, { nil: undefined }),
  host: host.map((name) => name.toLowerCase()),
  port,
  params: uniqueMap(
    notEmpty.map((name) => name.toLowerCase()),
    anyText,
  ),
  headers: fc.array(fc.tuple(notEmpty, anyText), { maxLength: 2 }),
});

export const telUri: fc.Arbitrary<SipUri> = fc.record({
  scheme: fc.constant("tel"),
  user: fc.string({ unit: from("0123456789-.()"), minLength: 1, maxLength: 15 }).map((digits) => `+${digits}`),
  host: fc.constant(""),
  port: fc.constant(undefined),
  params: uniqueMap(lowerToken, token),
  headers: fc.constant([]),
});

const params = uniqueMap(lowerToken, text);

export const nameAddr: fc.Arbitrary<NameAddr> = fc.record({
  displayName: text.map((name) => name.trim()),
  uri: fc.oneof(sipUri, telUri),
  params,
});

export const via: fc.Arbitrary<Via> = fc.record({
  transport: token.map((name) => name.toUpperCase()),
  host: host.map((name) => name.toLowerCase()),
  port,
  params,
});

const headerList = fc
  .array(
    fc.tuple(
      token.map((name) => `X-${name}`),
      text.map((value) => value.replace(/^[ \t]+|[ \t]+$/g, "")),
    ),
    { maxLength: 5 },
  )
  .map((entries) => {
    const headers = new Headers();
    for (const [name, value] of entries) headers.add(name, value);
    return headers.add("Contact", "<sip:192.0.2.1>");
  });

const common = {
  vias: fc.array(via, { minLength: 1, maxLength: 3 }),
  from: nameAddr,
  to: nameAddr,
  callId: fc.string({ unit: fc.constantFrom(...'abc123@.-<>:"/[]?{}\\'), minLength: 1, maxLength: 30 }),
  headers: headerList,
  body: fc.uint8Array({ maxLength: 60 }),
};
const cseqNumber = fc.integer({ min: 0, max: 2 ** 31 - 1 });

const request: fc.Arbitrary<SipRequest> = fc
  .record({
    ...common,
    kind: fc.constant("request" as const),
    method: token,
    uri: fc.oneof(
      sipUri.map((uri) => ({ ...uri, headers: [] })),
      telUri,
    ),
    maxForwards: fc.integer({ min: 0, max: 255 }),
    number: cseqNumber,
  })
  .map(({ number, ...fields }) => ({ ...fields, cseq: { number, method: fields.method } }));

const response: fc.Arbitrary<SipResponse> = fc.record({
  ...common,
  kind: fc.constant("response" as const),
  status: fc.integer({ min: 100, max: 699 }),
  reason: text,
  cseq: fc.record({ number: cseqNumber, method: token }),
});

/** URIs stay below the limit of what is read. */
export const message: fc.Arbitrary<SipMessage> = fc.oneof(request, response);
