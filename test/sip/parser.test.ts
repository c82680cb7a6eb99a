import { describe, expect, it } from "vitest";
import { SipParseError } from "../../src/base/errors.ts";
import { createResponse } from "../../src/sip/build.ts";
import type { SipRequest, SipResponse } from "../../src/sip/message.ts";
import { UnacceptableRequestError } from "../../src/sip/parse-failure.ts";
import { parseMessage } from "../../src/sip/parser.ts";
import { serializeMessage } from "../../src/sip/serialize.ts";
import { invite, sip } from "../support/sip-vectors.ts";

function read(bytes: Uint8Array): SipRequest {
  return parseMessage(bytes) as SipRequest;
}

function failure(bytes: Uint8Array, stream = false): SipParseError {
  try {
    parseMessage(bytes, { stream });
  } catch (error) {
    expect(error).toBeInstanceOf(SipParseError);
    return error as SipParseError;
  }
  throw new Error("the message was accepted");
}

const statusOf = (bytes: Uint8Array): number => failure(bytes).status;

function response(changes: { start?: string; extra?: readonly string[] } = {}): Buffer {
  return sip([
    changes.start ?? "SIP/2.0 200 OK",
    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
    "From: <sip:a@b>;tag=1",
    "To: <sip:c@d>;tag=2",
    "Call-ID: x",
    "CSeq: 1 INVITE",
    ...(changes.extra ?? []),
  ]);
}

describe("SIP-MSG-1 line ends", () => {
  it("takes CRLF, lone LF and a mixture", () => {
    const text = invite({}, ["Subject: a"], "").toString();
    const expected = serializeMessage(read(Buffer.from(text)));
    expect(serializeMessage(read(Buffer.from(text.replaceAll("\r\n", "\n"))))).toEqual(expected);
    expect(serializeMessage(read(Buffer.from(text.replace("\r\n\r\n", "\n\r\n"))))).toEqual(expected);
    expect(serializeMessage(read(Buffer.from(`\r\n\r\n${text}`)))).toEqual(expected);
  });

  it("a body keeps its line ends", () => {
    const bytes = invite({ "Content-Length": "Content-Length: 6" }, [], "a\r\n\n\r\n");
    expect(Buffer.from(read(bytes).body).toString()).toBe("a\r\n\n\r\n");
  });
});

describe("SIP-MSG-2, SIP-MSG-3 header lines", () => {
  it("blanks around the colon, any case, compact names", () => {
    const message = read(invite({ "Max-Forwards": "mAx-fOrwards \t :\t 5 \t", "Content-Length": "l:0" }));
    expect(message.maxForwards).toBe(5);
  });

  it("folded lines become one blank", () => {
    const message = read(invite({}, ["Subject: a \r\n  b\r\n\t c ", "X-Empty:\r\n ", "X-Late:\r\n later"]));
    expect(message.headers.get("Subject")).toBe("a b c");
    expect(message.headers.get("X-Empty")).toBe("");
    expect(message.headers.get("X-Late")).toBe("later");
  });

  it("SIP-MSG-7: UTF-8 stays, a byte order mark too", () => {
    const message = read(invite({}, ["X-Name: \ufeffПётр 電\u00a0"]));
    expect(message.headers.get("X-Name")).toBe("\ufeffПётр 電\u00a0");
    expect(serializeMessage(message).toString()).toContain("X-Name: \ufeffПётр 電\u00a0\r\n");
  });

  it("SIP-MSG-13: unknown and malformed headers that nobody needs stand in nobody's way", () => {
    const message = read(
      invite({}, ["Date: yesterday", "Expires: -1", "Contact: <<<", "Unknown: ;;,,", "Retry-After: x"]),
    );
    expect(message.headers.get("Unknown")).toBe(";;,,");
  });
});

describe("SIP-MSG-8 mandatory headers", () => {
  it.each(["From", "To", "Call-ID", "CSeq"])("400 names a missing %s", (name) => {
    const error = failure(invite({ [name]: undefined }));
    expect(error).toBeInstanceOf(UnacceptableRequestError);
    expect(error.status).toBe(400);
    expect(error.message).toBe(`${name} missing`);
  });

  it("without Via there is no way back: dropped", () => {
    expect(statusOf(invite({ Via: undefined }))).toBe(0);
    expect(statusOf(invite({ Via: "Via: nonsense" }))).toBe(0);
  });

  it.each([
    ["From", "From: <sip:a@b"],
    ["To", 'To: "a <sip:a@b>'],
    ["Call-ID", "Call-ID: a b"],
    ["Call-ID", "Call-ID:"],
    ["CSeq", "CSeq: 1"],
    ["CSeq", "CSeq: x INVITE"],
    ["Max-Forwards", "Max-Forwards: 256"],
    ["Max-Forwards", "Max-Forwards: -1"],
  ])("400 names a malformed %s: %s", (name, line) => {
    const error = failure(invite({ [name]: line }));
    expect(error.status).toBe(400);
    expect(error.message).toContain(name);
  });

  it("414 speaks of the Request-URI only", () => {
    expect(statusOf(invite({ From: `From: <sip:${"a".repeat(2000)}@b>;tag=1` }))).toBe(400);
  });

  it("Max-Forwards may be missing, a From tag too", () => {
    const message = read(invite({ "Max-Forwards": undefined, From: "From: sip:a@b" }));
    expect(message.maxForwards).toBe(70);
    expect(message.from.params.size).toBe(0);
  });

  it.each(["INVITE", "REFER", "UPDATE", "SUBSCRIBE"])("Contact is needed in %s", (method) => {
    const lines = { start: `${method} sip:a@b SIP/2.0`, CSeq: `CSeq: 1 ${method}`, Contact: undefined };
    expect(failure(invite(lines))).toMatchObject({ status: 400, message: "Contact missing" });
  });

  it("Contact is not needed in OPTIONS, nor by peers of RFC 2543", () => {
    read(invite({ start: "OPTIONS sip:a@b SIP/2.0", CSeq: "CSeq: 1 OPTIONS", Contact: undefined }));
    read(invite({ Via: "Via: SIP/2.0/UDP a", Contact: undefined }));
  });

  it("ACK is never answered", () => {
    expect(statusOf(invite({ start: "ACK sip:a@b SIP/2.0", CSeq: "CSeq: 1 INVITE" }))).toBe(0);
  });

  it("what is thrown is enough for an answer", () => {
    const error = failure(invite({ To: "To: <", CSeq: "CSeq: 99999999999 INVITE" })) as UnacceptableRequestError;
    const answer = createResponse(error.request, error.status, { reason: error.message, toTag: "x" });
    const text = serializeMessage(answer).toString();
    expect(text.startsWith("SIP/2.0 400 To: ")).toBe(true);
    expect(text).toContain("Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK5a1f3b6e;rport\r\n");
    expect(text).toContain('From: "Alice" <sip:+14155551212@192.0.2.10>;tag=as58f4201b\r\n');
    expect(text).toContain("Call-ID: 56258002189568710e7d@192.0.2.10\r\n");
  });
});

describe("SIP-MSG-9 single-value headers", () => {
  it.each([
    "To: <sip:x@y>",
    "t: <sip:x@y>",
    "From: <sip:x@y>",
    "f: <sip:x@y>",
    "Call-ID: other",
    "i: other",
    "CSeq: 102 INVITE",
    "Max-Forwards: 70",
    "Content-Length: 0",
    "l : 0",
    "CONTENT-LENGTH:\r\n 0",
  ])("400 for a second %j; the first one counts", (line) => {
    const error = failure(invite({}, [line])) as UnacceptableRequestError;
    expect(error.status).toBe(400);
    expect(error.message).toMatch(/stands twice$/);
    expect(error.request.callId).toBe("56258002189568710e7d@192.0.2.10");
    expect(error.request.to.uri.user).toBe("+15551230001");
  });

  it("400 for two Content-Type", () => {
    expect(statusOf(invite({}, ["c: application/sdp", "Content-Type: text/plain"]))).toBe(400);
  });
});

describe("SIP-MSG-10 CSeq", () => {
  it("takes 0 to 2^31 - 1", () => {
    expect(read(invite({ CSeq: "CSeq: 0 INVITE" })).cseq.number).toBe(0);
    expect(read(invite({ CSeq: "CSeq: 2147483647 INVITE" })).cseq.number).toBe(2147483647);
    expect(read(invite({ CSeq: "CSeq: 00000000000000000000000000007\t INVITE" })).cseq.number).toBe(7);
  });

  it.each(["2147483648", "4294967297", "18446744073709551617", "1e3", "0x1", "+1", "-1", "1.0"])(
    "400 for %s",
    (number) => {
      expect(statusOf(invite({ CSeq: `CSeq: ${number} INVITE` }))).toBe(400);
    },
  );

  it("the method has to be that of the request, case and all", () => {
    expect(failure(invite({ CSeq: "CSeq: 1 BYE" })).message).toBe("CSeq names another method");
    expect(statusOf(invite({ CSeq: "CSeq: 1 invite" }))).toBe(400);
  });
});

describe("SIP-MSG-11 Content-Length, hardening R2", () => {
  it("absent on a datagram: to its end", () => {
    expect(read(invite({ "Content-Length": undefined }, [], "abc")).body.length).toBe(3);
  });

  it("more octets than said are dropped", () => {
    expect(Buffer.from(read(invite({ "Content-Length": "Content-Length: 2" }, [], "abc")).body).toString()).toBe("ab");
  });

  it("fewer octets than said: 400 to a request, nothing to a response", () => {
    expect(statusOf(invite({ "Content-Length": "Content-Length: 4" }, [], "abc"))).toBe(400);
    expect(statusOf(response({ extra: ["Content-Length: 4"] }))).toBe(0);
  });

  it.each(["-1", "x", "", "1 2", "0x10", "1e1", "99999999999999999999"])("400 for %j", (length) => {
    const error = failure(invite({ "Content-Length": `Content-Length: ${length}` }));
    expect(error.status).toBe(400);
  });

  it.each(["32769", "4294967296", "4294967328", "999999999999999"])("413 for %s", (length) => {
    expect(statusOf(invite({ "Content-Length": `Content-Length: ${length}` }))).toBe(413);
  });

  it("413 for a body over 32 KiB without Content-Length", () => {
    expect(read(invite({ "Content-Length": undefined }, [], "x".repeat(32_768))).body.length).toBe(32_768);
    expect(statusOf(invite({ "Content-Length": undefined }, [], "x".repeat(32_769)))).toBe(413);
  });

  it("required on a stream, where its faults are fatal", () => {
    expect(failure(invite({ "Content-Length": undefined }), true).fatalToStream).toBe(true);
    expect(failure(invite({ "Content-Length": "l: -1" }), true).fatalToStream).toBe(true);
    expect(failure(invite({}, ["l: 0"]), true).fatalToStream).toBe(true);
    expect(failure(invite({ CSeq: "CSeq: 1 BYE" }), true).fatalToStream).toBe(false);
    expect(failure(invite({ "Content-Length": "l: -1" })).fatalToStream).toBe(false);
  });
});

describe("SIP-MSG-12 start lines", () => {
  it.each(["SIP/2.0", "sip/2.0", "Sip/2.0"])("version %s", (version) => {
    expect(read(invite({ start: `INVITE sip:a@b ${version}` })).uri.host).toBe("b");
  });

  it.each(["SIP/3.0", "SIP/7.0", "SIP/2.1", "SIP/20.0", "SIP/02.0"])("505 for %s", (version) => {
    expect(statusOf(invite({ start: `INVITE sip:a@b ${version}` }))).toBe(505);
  });

  it.each([
    "GET / HTTP/1.1",
    "INVITE sip:a@b",
    "INVITE",
    "",
    "\x16\x03\x01\x02",
    "IN(VITE sip:a@b SIP/2.0",
    "INVITE\tsip:a@b\tSIP/2.0",
    " INVITE sip:a@b SIP/2.0",
    "INVITE sip:a@b SIP/2.0;x",
    "INVITE sip:a@b SIP/x.y",
    `${"M".repeat(129)} sip:a@b SIP/2.0`,
  ])("no SIP, dropped: %j", (start) => {
    const error = failure(invite({ start }));
    expect(error.status).toBe(0);
    expect(error).not.toBeInstanceOf(UnacceptableRequestError);
  });

  it.each([
    ["INVITE SIP/2.0", 400],
    ["INVITE  SIP/2.0", 400],
    ["INVITE sip:a@b SIP/2.0 ", 400],
    ["INVITE  sip:a@b SIP/2.0", 400],
    ["INVITE <sip:a@b> SIP/2.0", 400],
    ["INVITE sip:a b SIP/2.0", 400],
    ["INVITE sip:a@b\x01 SIP/2.0", 400],
    ["INVITE http://a.example SIP/2.0", 416],
    ["INVITE nonsense SIP/2.0", 400],
    [`INVITE sip:${"a".repeat(1100)}@b SIP/2.0`, 414],
  ])("SIP-MSG-18: %j is answered %i", (start, status) => {
    expect(statusOf(invite({ start }))).toBe(status);
  });

  it("a line of octets is dropped, whatever it holds", () => {
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(500), Buffer.alloc(500, 0xff), Buffer.from("\r\n\r\n")])
      expect(failure(bytes).status).toBe(0);
  });
});

describe("SIP-MSG-14 limits", () => {
  it("256 headers, and 513 for more", () => {
    const extra = (count: number): string[] => Array.from({ length: count }, (_, i) => `X-${i}: v`);
    expect(read(invite({}, extra(248))).headers.size).toBe(249);
    expect(statusOf(invite({}, extra(249)))).toBe(513);
  });

  it("8 KiB for one header, folded lines and all", () => {
    expect(read(invite({}, [`X-A: ${"a".repeat(8187)}`])).headers.get("X-A")?.length).toBe(8187);
    expect(statusOf(invite({}, [`X-A: ${"a".repeat(8188)}`]))).toBe(513);
    expect(statusOf(invite({}, [`X-A: a${"\r\n bbb".repeat(3000)}`]))).toBe(513);
  });

  it("32 KiB for all headers", () => {
    expect(
      statusOf(
        invite(
          {},
          Array.from({ length: 5 }, (_, i) => `X-${i}: ${"a".repeat(7000)}`),
        ),
      ),
    ).toBe(513);
  });

  it("70 Via", () => {
    const vias = (count: number): string[] => [`Via: ${Array(count).fill("SIP/2.0/UDP h").join(", ")}`];
    expect(read(invite({}, vias(69))).vias.length).toBe(70);
    const error = failure(invite({}, vias(70))) as UnacceptableRequestError;
    expect(error.status).toBe(513);
    expect(error.request.vias.length).toBe(70);
  });

  it("256 characters of Call-ID", () => {
    expect(read(invite({ "Call-ID": `i: ${"c".repeat(256)}` })).callId.length).toBe(256);
    expect(statusOf(invite({ "Call-ID": `i: ${"c".repeat(257)}` }))).toBe(400);
  });

  it("a message of 65 535 octets is read", () => {
    const head = invite({ "Content-Length": undefined }).length;
    const pad = Array.from({ length: 4 }, (_, i) => `X-${i}: ${"p".repeat(8000)}`);
    const bytes = invite({ "Content-Length": undefined }, pad, "x".repeat(32_768));
    expect(bytes.length).toBeGreaterThan(head + 64_000);
    expect(read(bytes).body.length).toBe(32_768);
  });

  it("more is 513", () => {
    expect(statusOf(invite({ "Content-Length": "l: 5" }, [], "x".repeat(66_000)))).toBe(513);
  });
});

describe("SIP-MSG-15 control characters", () => {
  it.each(["\0", "\x01", "\x0b", "\x0c", "\x1f", "\x7f", "a\rb"])("400 for %j in a value", (text) => {
    for (const line of [`Subject: a${text}b`, `X-Other: "${text}"`, `Contact: <sip:a@b>;x=${text}`])
      expect(statusOf(invite({}, [line]))).toBe(400);
    expect(statusOf(invite({ From: `From: "${text}" <sip:a@b>;tag=1` }))).toBe(400);
    expect(statusOf(invite({ To: `To: <sip:a@b>;tag=1${text}2` }))).toBe(400);
    expect(statusOf(invite({ "Call-ID": `i: a${text}b` }))).toBe(400);
  });

  it("a Via with a control character gives no way back", () => {
    expect(statusOf(invite({ Via: "Via: SIP/2.0/UDP a;branch=z9hG4bK\rX-Evil: 1" }))).toBe(0);
  });

  it("escaped in quotes they are legal, and become blanks", () => {
    const message = read(
      invite({ From: 'From: "a\\\x00\\\x07\\\\\\"b" <sip:a@b>;tag=1;x="\\\x01"' }, ['X-Note: "\\\x02" c']),
    );
    expect(message.from.displayName).toBe('a  \\"b');
    expect(message.from.params.get("x")).toBe(" ");
    expect(message.headers.get("X-Note")).toBe('"\\ " c');
  });

  it("CR and LF cannot be escaped", () => {
    expect(statusOf(invite({ From: 'From: "a\\\rb" <sip:a@b>;tag=1' }))).toBe(400);
  });
});

describe("SIP-MSG-20 responses", () => {
  it.each<[string, number, string]>([
    ["SIP/2.0 200 OK", 200, "OK"],
    ["sip/2.0 100 ", 100, ""],
    ["SIP/2.0 699", 699, ""],
    ["SIP/2.0 486 Besetzt / Занято", 486, "Besetzt / Занято"],
    ["SIP/2.0 183  two  blanks", 183, " two  blanks"],
  ])("%j", (start, status, reason) => {
    expect(parseMessage(response({ start }))).toMatchObject({ kind: "response", status, reason });
  });

  it.each([
    "SIP/2.0 099 x",
    "SIP/2.0 700 x",
    "SIP/2.0 20 x",
    "SIP/2.0 2000 x",
    "SIP/2.0 4294967496 x",
    "SIP/2.0  200 x",
    "SIP/3.0 200 x",
    "SIP/2.0 200\tOK",
    "SIP/2.0 2OO OK",
    "SIP/2.0 200 a\x01b",
    `SIP/2.0 200 ${"r".repeat(9000)}`,
  ])("dropped: %j", (start) => {
    expect(statusOf(response({ start }))).toBe(0);
  });

  it("dropped when anything is wrong with it, and never answered", () => {
    for (const extra of ["CSeq: 1 INVITE", "Subject: \x01", "no colon here", "l: x"]) {
      const error = failure(response({ extra: [extra] }));
      expect(error.status).toBe(0);
      expect(error).not.toBeInstanceOf(UnacceptableRequestError);
    }
  });

  it("all Via are kept for the transaction layer to count", () => {
    const message = parseMessage(response({ extra: ["v: SIP/2.0/UDP x"] })) as SipResponse;
    expect(message.vias.length).toBe(2);
  });
});

describe("hardening R3: headers cannot be smuggled", () => {
  it.each(["\x01", "\x00", "\x0b", "\x0c", "\x1f", "\xa0", "\ufeff", "\u2028"])(
    "%j before the colon is no blank",
    (octet) => {
      for (const name of ["To", "P-Asserted-Identity", "Content-Length", "Proxy-Authorization"]) {
        const error = failure(invite({}, [`${name}${octet}: <sip:x@y>`])) as UnacceptableRequestError;
        expect(error.status).toBe(400);
        expect(error.request.headers.has(name)).toBe(false);
      }
    },
  );

  it.each(["\x01To: <sip:evil@x>", ": x", "To <sip:evil@x>", "(To): x", "To;: x", "T\u00f6: x"])(
    "malformed line %j",
    (line) => {
      expect(statusOf(invite({}, [line]))).toBe(400);
    },
  );

  it("a header is found in every form it can come in", () => {
    const forms = ["diversion : <sip:a>", "DIVERSION:<sip:a>", "Diversion\t:\r\n <sip:a>", "dIvErSiOn:\t<sip:a>"];
    for (const form of forms) expect(read(invite({}, [form])).headers.get("Diversion")).toBe("<sip:a>");
    expect(read(invite({}, ["r: <sip:a>"])).headers.get("Refer-To")).toBe("<sip:a>");
    expect(read(invite({}, ["b: <sip:a>"])).headers.get("Referred-By")).toBe("<sip:a>");
  });

  it("a folded line is never a header of its own", () => {
    const message = read(invite({}, ["Subject: x\r\n P-Asserted-Identity: <sip:evil@x>\r\n\tContent-Length: 5"]));
    expect(message.headers.has("P-Asserted-Identity")).toBe(false);
    expect(message.headers.get("Subject")).toBe("x P-Asserted-Identity: <sip:evil@x> Content-Length: 5");
    expect(message.body.length).toBe(0);
  });

  it("what goes out is made from fields: no odd form survives", () => {
    const text = serializeMessage(read(invite({}, ["p-asserted-identity : <sip:a>", "k:\r\n timer"]))).toString();
    expect(text).toContain("\r\nP-Asserted-Identity: <sip:a>\r\n");
    expect(text).toContain("\r\nSupported: timer\r\n");
  });

  it("headers of object properties (hardening R25)", () => {
    const message = read(invite({}, ["__proto__: x", "constructor: y"]));
    expect(message.headers.get("__proto__")).toBe("x");
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  });
});
