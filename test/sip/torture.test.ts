import { describe, expect, it } from "vitest";
import type { SipParseError } from "../../src/base/errors.ts";
import type { SipMessage, SipRequest } from "../../src/sip/message.ts";
import { UnacceptableRequestError } from "../../src/sip/parse-failure.ts";
import { parseMessage } from "../../src/sip/parser.ts";
import { serializeMessage } from "../../src/sip/serialize.ts";
import { type StreamEvent, StreamParser } from "../../src/sip/stream-parser.ts";
import { comparable } from "../support/sip-compare.ts";
import { RFC_3261, RFC_4475, RFC_5118, RFC_5118_ARCHIVE, rfc4475 } from "../support/sip-vectors.ts";

/** 0: dropped without an answer. */
type Outcome = "accept" | 0 | 400 | 416 | 505;

/**
 * What the parser does with a datagram; what is accepted here may still be refused by the layers above (405, 420 …): what the
 * whole stack answers is in the table of `hostile-network.test.ts`. Where this differs from the index of the vectors it says why.
 */
const DATAGRAM: Readonly<Record<string, Outcome>> = {
  wsinv: "accept",
  intmeth: "accept",
  esc01: "accept",
  escnull: "accept",
  esc02: "accept",
  lwsdisp: "accept",
  longreq: "accept",
  dblreq: "accept",
  semiuri: "accept",
  transports: "accept",
  mpart01: "accept",
  unreason: "accept",
  noreason: "accept",
  badinv01: 400,
  clerr: 400,
  ncl: 400,
  scalar02: 400,
  scalarlg: 0,
  quotbal: 400,
  ltgtruri: 400,
  lwsruri: 400,
  lwsstart: 400,
  trws: 400,
  // The headers in the Request-URI are left out, which SIP-MSG-18 prefers to the 400 of the index.
  escruri: "accept",
  // Nobody needs Date (SIP-MSG-13).
  baddate: "accept",
  // Contact of REGISTER is read by a registrar only, and there is none: 405 comes first.
  regbadct: "accept",
  badaspec: 400,
  // Section 3.1.2.15 lets the comma in the display name pass: what was meant cannot be mistaken.
  baddn: "accept",
  "baddn.terminated": "accept",
  badvers: 505,
  mismatch01: 400,
  // CSeq is compared before anybody looks whether the method is known; section 3.1.2.18 allows 400 as well as 501.
  mismatch02: 400,
  bigcode: 0,
  // Matched by the rules of RFC 2543 (SIP-TXN-8); the 400 of the index is the other choice of section 3.2.1.
  badbranch: "accept",
  insuf: 400,
  unkscm: 416,
  novelsc: 416,
  // A registrar would refuse the scheme in To; here 405 comes first.
  unksm2: "accept",
  // Well-formed: 420 and 415 are the stack's, and 401 a registrar's (405 here).
  bext01: "accept",
  invut: "accept",
  regaut01: "accept",
  multi01: 400,
  mcl01: 400,
  // Read, and dropped by the transaction layer: nobody sent the request of this top Via.
  bcast: "accept",
  // OPTIONS that end here need no hop (SIP-DLG-11).
  zeromf: "accept",
  cparam01: "accept",
  cparam02: "accept",
  regescrt: "accept",
  // 406 is the stack's.
  sdp01: "accept",
  inv2543: "accept",
  test: 0,
};

/** Where a stream differs: what comes out, in order; `!` closes the connection, "waits" wants more octets. */
const STREAM: Readonly<Record<string, string>> = {
  // The second message of the pair is an INVITE whose body is announced as empty, so its SDP is no SIP.
  dblreq: "REGISTER 400 0!",
  clerr: "waits",
  ncl: "400!",
  baddn: "waits",
  mcl01: "400!",
  inv2543: "400!",
  test: "0!",
};

type Parsed = { readonly message: SipMessage } | { readonly error: SipParseError };

function parsed(bytes: Uint8Array): Parsed {
  try {
    return { message: parseMessage(bytes) };
  } catch (error) {
    return { error: error as SipParseError };
  }
}

function pushed(bytes: Uint8Array, step: number): { events: StreamEvent[]; pending: number } {
  const parser = new StreamParser();
  const events: StreamEvent[] = [];
  for (let at = 0; at < bytes.length; at += step) events.push(...parser.push(bytes.subarray(at, at + step)));
  return { events, pending: parser.pendingBytes };
}

function nameOf(message: SipMessage): string {
  return message.kind === "request" ? message.method : String(message.status);
}

function inWords({ events, pending }: ReturnType<typeof pushed>): string {
  const words = events.flatMap((event) => {
    if (event.kind === "message") return nameOf(event.message);
    return event.kind === "error" ? `${event.error.status}${event.error.fatalToStream ? "!" : ""}` : [];
  });
  return words.length === 0 && pending > 0 ? "waits" : words.join(" ");
}

function request(file: string): SipRequest {
  return parseMessage(rfc4475(file)) as SipRequest;
}

describe("RFC 4475 torture messages", () => {
  it("are all in the table", () => {
    expect(RFC_4475.map((message) => message.file).sort()).toEqual(Object.keys(DATAGRAM).sort());
  });

  it.each(RFC_4475.filter(({ file }) => file !== "test"))(
    "$section $file: the document allows what the table says",
    ({ file, expect: wanted, alsoAllowed }) => {
      const outcome = DATAGRAM[file]!;
      const words = `${wanted} ${alsoAllowed}`;
      // Refusals that belong to a layer above: known method, extension, body type, credentials, hops, top Via.
      const above = /accept|parse|ignore|infer|match|501|420|415|401|406|200|drop: top Via/;
      if (outcome === "accept") expect(words).toMatch(above);
      else expect(words).toContain(outcome === 0 ? "drop" : String(outcome));
    },
  );

  it.each(RFC_4475)("$section $file as a datagram", ({ file, bytes }) => {
    const result = parsed(bytes);
    if ("message" in result) expect("accept").toBe(DATAGRAM[file]);
    else {
      expect(result.error.status).toBe(DATAGRAM[file]);
      expect(result.error instanceof UnacceptableRequestError).toBe(result.error.status !== 0);
    }
  });

  it.each(RFC_4475)("$section $file as a stream, one octet a segment and whole", ({ file, bytes }) => {
    const datagram = parsed(bytes);
    const expected = STREAM[file] ?? ("error" in datagram ? String(datagram.error.status) : nameOf(datagram.message));
    for (const step of [1, 7, bytes.length]) {
      const result = pushed(bytes, step);
      expect(inWords(result)).toBe(expected);
      const first = result.events[0];
      if (first?.kind === "message" && "message" in datagram)
        expect(comparable(first.message)).toEqual(comparable(datagram.message));
    }
  });

  it.each(RFC_4475.filter(({ file }) => DATAGRAM[file] !== 0))(
    "$section $file: what is read can be written",
    ({ bytes }) => {
      const result = parsed(bytes);
      if ("error" in result) {
        const { request: refused } = result.error as UnacceptableRequestError;
        expect(serializeMessage(refused).length).toBeGreaterThan(0);
      } else {
        const again = parseMessage(serializeMessage(result.message));
        expect(comparable(again)).toEqual(comparable(result.message));
      }
    },
  );
});

describe("RFC 4475 details", () => {
  it("3.1.1.1 wsinv: folded and oddly spaced headers", () => {
    const message = request("wsinv");
    expect(message.uri.params.get("unknownparam")).toBe("");
    expect(message.to.params.get("tag")).toBe("1918181833n");
    expect(message.from.displayName).toBe('J Rosenberg \\"');
    expect(message.from.params.get("tag")).toBe("98asjd8");
    expect(message.maxForwards).toBe(68);
    expect(message.cseq).toEqual({ number: 9, method: "INVITE" });
    expect(message.vias.map((via) => `${via.transport} ${via.host} ${via.params.get("branch")}`)).toEqual([
      "UDP 192.0.2.2 390skdjuw",
      "TCP spindle.example.com z9hG4bK9ikj8",
      "UDP 192.168.255.111 z9hG4bK30239",
    ]);
    expect(message.headers.get("Subject")).toBe("");
    expect(message.headers.get("newfangledheader")).toBe("newfangled value continued newfangled value");
    expect(message.headers.get("UnknownHeaderWithUnusualValue")).toBe(";;,,;;,;");
    expect(message.body.length).toBe(150);
  });

  it("3.1.1.2 intmeth: every token character, UTF-8 kept, escaped control characters get no further", () => {
    const message = request("intmeth");
    expect(message.method).toBe("!interesting-Method0123456789_*+`.%indeed'~");
    expect(message.uri.user).toBe("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
    expect(message.to.displayName).toBe("BEL:  NUL:  DEL: ");
    expect(message.from.displayName).toBe("token1~` token2'+_ token3*%!.-");
    expect(message.from.params.get("fromparam''~+*_!.-%")).toBe("работающий");
    expect(message.headers.get("extensionHeader-!.%*+_`'~")).toBe("\ufeff大停電");
  });

  it("3.1.1.3 esc01: escapes of URIs are undone", () => {
    const message = request("esc01");
    expect(message.uri.user).toBe("sips:user@example.com");
    expect(message.to.uri.user).toBe("user");
    expect(message.headers.get("Contact")).toBe("<sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>");
  });

  it("3.1.1.4 escnull: an escaped NUL is a character like others and stays escaped on the wire", () => {
    const message = request("escnull");
    expect(message.to.uri.user).toBe("null-\0-null");
    expect(serializeMessage(message).includes(0)).toBe(false);
    expect(serializeMessage(message).toString()).toContain("<sip:null-%00-null@example.com>");
  });

  it("3.1.1.5 esc02: % outside a URI is no escape", () => {
    expect(request("esc02").method).toBe("RE%47IST%45R");
    expect(request("esc02").to.displayName).toBe("%Z%45");
  });

  it("3.1.1.8 dblreq: octets behind the body are left out", () => {
    expect(request("dblreq").method).toBe("REGISTER");
    expect(request("dblreq").body.length).toBe(0);
  });

  it("3.1.1.9 semiuri: semicolons in the user part", () => {
    expect(request("semiuri").uri).toMatchObject({ user: "user;par=u@example.net", host: "example.com" });
  });

  it("3.1.1.10 transports: unknown ones are fine", () => {
    expect(request("transports").vias.map((via) => via.transport)).toEqual(["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
  });

  it("3.1.1.12, 3.1.1.13: reason phrases in UTF-8, or none", () => {
    expect(parseMessage(rfc4475("unreason"))).toMatchObject({
      status: 200,
      reason: "= 2**3 * 5**2 но сто девяносто девять - простое",
    });
    expect(parseMessage(rfc4475("noreason"))).toMatchObject({ status: 100, reason: "" });
  });

  it("3.1.2.11 escruri: a header part of the Request-URI never becomes a header", () => {
    const message = request("escruri");
    expect(message.uri.headers).toEqual([]);
    expect(message.headers.has("Route")).toBe(false);
  });

  it("3.2.1 badbranch: the bare cookie is kept for the transaction layer to see", () => {
    expect(request("badbranch").vias[0]?.params.get("branch")).toBe("z9hG4bK");
  });

  it("3.3.1 insuf: the 400 can be made without From, To and Call-ID", () => {
    const { error } = parsed(rfc4475("insuf")) as { error: UnacceptableRequestError };
    expect(error.message).toBe("From, To, Call-ID missing");
    expect(error.request.cseq).toEqual({ number: 193942, method: "INVITE" });
    expect(serializeMessage(error.request).toString()).not.toContain("Call-ID");
  });

  it("3.3.4 unksm2: unknown schemes in To and From", () => {
    expect(request("unksm2").to.uri).toMatchObject({ scheme: "isbn", host: "2983792873" });
    expect(request("unksm2").from.uri).toMatchObject({ scheme: "http" });
  });

  it("3.3.14 regescrt: the escaped Route stays inside the Contact URI", () => {
    expect(request("regescrt").headers.has("Route")).toBe(false);
  });

  it("3.4.1 inv2543: no branch, no Max-Forwards, no Contact, no tag", () => {
    const message = request("inv2543");
    expect(message.maxForwards).toBe(70);
    expect(message.from.params.has("tag")).toBe(false);
    expect(message.vias[0]?.params.size).toBe(0);
  });
});

describe("RFC 5118 IPv6 torture messages", () => {
  const BAD = new Set(["ipv6-bad"]);
  /** Content-Length says more than there is; SOURCES.md of the vectors tells the story. */
  const CUT = new Set(["ipv6-in-sdp"]);
  const CUT_IN_ARCHIVE = new Set(["ipv6-in-sdp", "mult-ip-in-sdp"]);

  function withRightLength(bytes: Buffer): Buffer {
    const text = bytes.toString("latin1");
    const body = text.slice(text.search(/\r?\n\r?\n/)).replace(/^\r?\n\r?\n/, "");
    return Buffer.from(text.replace(/^Content-Length:.*$/m, `Content-Length: ${body.length}`), "latin1");
  }

  it.each(RFC_5118)("$section $file", ({ file, bytes }) => {
    const result = parsed(CUT.has(file) ? withRightLength(bytes) : bytes);
    if (BAD.has(file)) expect(result).toMatchObject({ error: { status: 400 } });
    else expect(result).toHaveProperty("message");
    if (CUT.has(file)) expect(parsed(bytes)).toMatchObject({ error: { status: 400, message: "body is cut short" } });
  });

  it.each(RFC_5118_ARCHIVE)("$section $file with bare LF", ({ file, bytes }) => {
    const result = parsed(CUT_IN_ARCHIVE.has(file) ? withRightLength(bytes) : bytes);
    if (BAD.has(file)) expect(result).toMatchObject({ error: { status: 400 } });
    else expect(result).toHaveProperty("message");
  });

  it.each(RFC_5118.filter(({ file }) => !CUT.has(file)))("$section $file one octet a segment", ({ file, bytes }) => {
    const first = pushed(bytes, 1).events[0];
    expect(first?.kind).toBe(BAD.has(file) ? "error" : "message");
  });

  const message = (file: string): SipRequest =>
    parseMessage(RFC_5118.find((one) => one.file === file)!.bytes) as SipRequest;

  it("4.3 and 4.4: the port is outside the brackets", () => {
    expect(message("port-ambiguous").uri).toMatchObject({ host: "2001:db8::10:5070", port: undefined });
    expect(message("port-unambiguous").uri).toMatchObject({ host: "2001:db8::10", port: 5070 });
  });

  it("4.5: received with and without brackets", () => {
    expect(message("via-received-param-with-delim").vias[0]?.params.get("received")).toBe("[2001:db8::9:255]");
    expect(message("via-received-param-no-delim").vias[0]?.params.get("received")).toBe("2001:db8::9:255");
  });

  it("4.9: an IPv4-mapped address", () => {
    expect(message("ipv4-mapped-ipv6").vias[0]).toMatchObject({ host: "::ffff:192.0.2.10", port: 19823 });
  });

  it("4.10: three colons are a slip of the old grammar, and pass", () => {
    expect(message("ipv6-bug-abnf-3-colons").uri.host).toBe("2001:db8:::192.0.2.1");
  });
});

describe("RFC 3261 24 messages", () => {
  it.each(RFC_3261)("$file goes round", ({ bytes }) => {
    const message = parseMessage(bytes);
    const written = serializeMessage(message);
    expect(comparable(parseMessage(written))).toEqual(comparable(message));
    // The second writing is the same to the octet.
    expect(serializeMessage(parseMessage(written))).toEqual(written);
    expect(inWords(pushed(bytes, 1))).toBe(nameOf(message));
  });

  it("24.2 F1 is read as it is printed", () => {
    const message = parseMessage(RFC_3261.find(({ file }) => file === "24.2-F1.sip")!.bytes) as SipRequest;
    expect(message).toMatchObject({
      method: "INVITE",
      uri: { scheme: "sip", user: "bob", host: "biloxi.com" },
      cseq: { number: 314159, method: "INVITE" },
      maxForwards: 70,
    });
    expect(message.from.displayName).toBe("Alice");
    expect(message.from.params.get("tag")).toBe("1928301774");
    expect(message.headers.get("m")).toBe("<sip:alice@pc33.atlanta.com>");
  });
});
