import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SipParseError } from "../../src/base/errors.ts";
import {
  answerChallenge,
  type Challenge,
  type Credentials,
  type DigestAlgorithm,
  digestHa1,
  digestResponse,
  formatChallenge,
  parseChallenge,
  parseChallenges,
  parseCredentials,
  verifyResponse,
} from "../../src/sip/digest.ts";
import {
  type DigestCheck,
  type DigestSecret,
  makeChallenges,
  verifyAuthorization,
} from "../../src/sip/digest-server.ts";
import type { SipRequest } from "../../src/sip/message.ts";
import { NonceBook } from "../../src/sip/nonce.ts";
import { parseMessage } from "../../src/sip/parser.ts";
import { formatUri } from "../../src/sip/uri.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { invite, rfc4475 } from "../support/sip-vectors.ts";

interface Vector {
  readonly source: string;
  readonly algorithm: DigestAlgorithm;
  readonly username: string;
  readonly realm: string;
  readonly password: string;
  readonly method: string;
  readonly uri: string;
  readonly nonce: string;
  readonly qop: "auth" | null;
  readonly nc: string | null;
  readonly cnonce: string | null;
  readonly opaque: string;
  readonly response: string;
}

const { cases } = JSON.parse(
  readFileSync(join(import.meta.dirname, "..", "vectors", "digest", "digest.json"), "utf8"),
) as { cases: Vector[] };

describe("digest vectors", () => {
  it.each(cases)("$source", (vector) => {
    const { algorithm, username, realm, password, method, uri, nonce, opaque } = vector;
    const qop = vector.qop ?? undefined;
    const ha1 = digestHa1(algorithm, username, realm, password);
    const fields = {
      algorithm,
      ha1,
      method,
      uri,
      nonce,
      nonceCount: vector.nc ?? "",
      cnonce: vector.cnonce ?? "",
      qop,
    };
    expect(digestResponse(fields)).toBe(vector.response);

    const challenge: Challenge = { realm, nonce, algorithm, qopAuth: qop === "auth", opaque, stale: false };
    const answer = answerChallenge(challenge, { method, uri }, { username, password }, vector.cnonce ?? "");
    const credentials = parseCredentials(answer)!;
    expect(credentials).toMatchObject({ username, realm, nonce, uri, opaque, algorithm, response: vector.response });
    expect(verifyResponse(credentials, method, ha1)).toBe(true);
    expect(verifyResponse(credentials, "BYE", ha1)).toBe(false);
    expect(verifyResponse({ ...credentials, response: vector.response.toUpperCase() }, method, ha1)).toBe(true);
    expect(verifyResponse({ ...credentials, response: vector.response.slice(1) }, method, ha1)).toBe(false);
    expect(verifyResponse({ ...credentials, response: "" }, method, ha1)).toBe(false);
  });

  it("FIPS 180-4: SHA-512/256 is not SHA-512 cut short (RFC 7616 6.1)", () => {
    const cut = createHash("sha512").update("a:b:c").digest("hex").slice(0, 64);
    expect(digestHa1("SHA-512-256", "a", "b", "c")).toMatch(/^[0-9a-f]{64}$/);
    expect(digestHa1("SHA-512-256", "a", "b", "c")).not.toBe(cut);
  });
});

describe("RFC 7616 3.3 challenges", () => {
  it("are written and read", () => {
    const challenge: Challenge = {
      realm: 'a "b"\\',
      nonce: "n1",
      algorithm: "SHA-256",
      qopAuth: true,
      opaque: "o",
      stale: true,
    };
    expect(formatChallenge(challenge)).toBe(
      'Digest realm="a \\"b\\"\\\\", nonce="n1", algorithm=SHA-256, qop="auth", opaque="o", stale=true',
    );
    expect(parseChallenge(formatChallenge(challenge))).toEqual(challenge);
  });

  it.each<[string, Partial<Challenge> | undefined]>([
    ['Digest realm="r", nonce="n"', { algorithm: "MD5", qopAuth: false, stale: false, opaque: undefined }],
    ['digest  realm="r" ,nonce="n" , qop="auth-int,auth", algorithm=md5, STALE=TRUE', { qopAuth: true, stale: true }],
    ['Digest\trealm=r,nonce=n,,algorithm="SHA-256"', { algorithm: "SHA-256" }],
    ['Digest realm="r, s=\\"1\\"", nonce="n=,"', { realm: 'r, s="1"', nonce: "n=," }],
    ['Digest realm="r", nonce="n", algorithm=MD5-sess', undefined],
    ['Digest realm="r", nonce="n", qop="auth-int"', undefined],
    ['Digest realm="r"', undefined],
    ['Basic realm="r"', undefined],
    ["NoOneKnowsThisScheme opaque-data=here", undefined],
  ])("%s", (text, expected) => {
    const challenge = parseChallenge(text);
    if (expected === undefined) expect(challenge).toBeUndefined();
    else expect(challenge).toMatchObject(expected);
  });

  it.each(["", "=", 'Digest realm="r', "Digest realm", "Digest =x", 'Digest realm="a", realm="b"', 'Digest "realm"=x'])(
    "400 for %j",
    (text) => {
      expect(() => parseChallenge(text)).toThrow(SipParseError);
      expect(() => parseCredentials(text)).toThrow(SipParseError);
    },
  );

  it("RFC 8760 2.4: those we can answer, in the order of the server", () => {
    const challenges = parseChallenges([
      'Digest realm="a", nonce="1", algorithm=FUTURE',
      'Digest realm="a", nonce="2", algorithm=SHA-512-256, qop="auth"',
      'Digest realm="a',
      'Digest realm="a", nonce="3"',
    ]);
    expect(challenges.map((challenge) => challenge.nonce)).toEqual(["2", "3"]);
  });
});

describe("RFC 7616 3.4 credentials", () => {
  const GOOD = 'username="u", realm="r", nonce="n", uri="sip:a@b", response="0"';

  it("are read with tolerance", () => {
    expect(parseCredentials(`Digest ${GOOD},qop=auth,nc=0000000A,cnonce="c",algorithm="sha-256",foo=bar`)).toEqual({
      username: "u",
      realm: "r",
      nonce: "n",
      uri: "sip:a@b",
      response: "0",
      algorithm: "SHA-256",
      qop: "auth",
      cnonce: "c",
      nonceCount: "0000000a",
      opaque: undefined,
    });
    expect(parseCredentials(`DIGEST ${GOOD}, qop="auth", nc="00000001", cnonce=""`)?.nonceCount).toBe("00000001");
    expect(parseCredentials(`Digest ${GOOD}`)).toMatchObject({ qop: undefined, cnonce: "", nonceCount: "" });
  });

  it.each(["username", "realm", "nonce", "uri", "response"])("400 without %s (SIP-AUTH-5)", (name) => {
    const fields = GOOD.split(", ").filter((field) => !field.startsWith(`${name}=`));
    expect(() => parseCredentials(`Digest ${fields.join(", ")}`)).toThrow(/lack/);
  });

  it.each([
    "qop=auth",
    "qop=auth, nc=00000001",
    "qop=auth, cnonce=c",
    "qop=auth, cnonce=c, nc=1",
    "qop=auth, cnonce=c, nc=0000000g",
  ])("400 with %s only", (fields) => {
    expect(() => parseCredentials(`Digest ${GOOD}, ${fields}`)).toThrow(SipParseError);
  });

  it("RFC 4475 3.3.7 regaut01: another scheme is as none", () => {
    const request = parseMessage(rfc4475("regaut01")) as SipRequest;
    expect(parseCredentials(request.headers.get("Authorization")!)).toBeUndefined();
  });

  it("auth-int and unknown algorithms are as none", () => {
    expect(parseCredentials(`Digest ${GOOD}, qop=auth-int, nc=00000001, cnonce=c`)).toBeUndefined();
    expect(parseCredentials(`Digest ${GOOD}, algorithm=MD5-sess`)).toBeUndefined();
  });
});

describe("SIP-AUTH-2, SIP-AUTH-3 nonces", () => {
  const setUp = (usedMax?: number): { clock: ManualClock; book: NonceBook } => {
    const clock = new ManualClock();
    return { clock, book: new NonceBook(clock, 60_000, usedMax) };
  };

  it("are good for 60 s, then stale", () => {
    const { clock, book } = setUp();
    const nonce = book.make("192.0.2.1");
    expect(book.judge(nonce, "192.0.2.1", 1)).toBe("good");
    clock.advance(60_000);
    expect(book.judge(nonce, "192.0.2.1", 1)).toBe("good");
    clock.advance(1001);
    expect(book.judge(nonce, "192.0.2.1", 1)).toBe("stale");
  });

  it("serve only the address that they were sent to (R-AUTH-10)", () => {
    const { book } = setUp();
    expect(book.judge(book.make("192.0.2.1"), "192.0.2.2", 1)).toBe("forged");
  });

  it("cannot be made or changed by others, or kept over a restart", () => {
    const { book, clock } = setUp();
    const nonce = book.make("a");
    for (let i = 0; i < nonce.length; i++) {
      const other = `${nonce.slice(0, i)}${nonce[i] === "0" ? "1" : "0"}${nonce.slice(i + 1)}`;
      expect(book.judge(other, "a", 1)).toBe("forged");
    }
    expect(book.judge(`${nonce}0`, "a", 1)).toBe("forged");
    expect(book.judge(nonce.slice(0, -1), "a", 1)).toBe("forged");
    expect(book.judge("", "a", 1)).toBe("forged");
    expect(new NonceBook(clock).judge(nonce, "a", 1)).toBe("forged");
    expect(book.make("a")).not.toBe(book.make("a"));
  });

  it("a count serves once, in any near order", () => {
    const { book } = setUp();
    const nonce = book.make("a");
    const serve = (count: number): boolean => {
      if (book.judge(nonce, "a", count) !== "good") return false;
      book.use(nonce, count);
      return true;
    };
    expect([1, 1, 2, 5, 4, 4, 3, 5, 2, 1].map(serve)).toEqual([
      true,
      false,
      true,
      true,
      true,
      false,
      true,
      false,
      false,
      false,
    ]);
    expect(serve(100)).toBe(true);
    // Too far behind to be remembered is as good as used.
    expect(serve(68)).toBe(false);
    expect(serve(69)).toBe(true);
    expect(serve(69)).toBe(false);
    expect(serve(0xffffffff)).toBe(true);
    expect(serve(101)).toBe(false);
  });

  it("a window behaves like a set of all counts, near the top", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 31 }), { maxLength: 60 }), (counts) => {
        const { book } = setUp();
        const nonce = book.make("a");
        const used = new Set<number>();
        for (const count of counts) {
          expect(book.judge(nonce, "a", count)).toBe(used.has(count) ? "replayed" : "good");
          if (!used.has(count)) book.use(nonce, count);
          used.add(count);
        }
      }),
    );
  });

  it("without a count a nonce serves once", () => {
    const { book } = setUp();
    const nonce = book.make("a");
    expect(book.judge(nonce, "a", 0)).toBe("good");
    book.use(nonce, 0);
    expect(book.judge(nonce, "a", 0)).toBe("replayed");
  });

  it("memory is bounded, and what is forgotten cannot be replayed", () => {
    const { book, clock } = setUp(100);
    const nonces: string[] = [];
    for (let i = 0; i < 1000; i++) {
      clock.advance(1);
      const nonce = book.make("a");
      nonces.push(nonce);
      book.use(nonce, 1);
      expect(book.usedCount).toBeLessThanOrEqual(100);
    }
    for (const nonce of nonces) expect(book.judge(nonce, "a", 1)).not.toBe("good");
    clock.advance(1);
    expect(book.judge(book.make("a"), "a", 1)).toBe("good");
  });

  it("what is too old to be replayed is forgotten", () => {
    const { book, clock } = setUp();
    for (let i = 0; i < 50; i++) book.use(book.make("a"), 1);
    expect(book.usedCount).toBe(50);
    clock.advance(62_000);
    book.use(book.make("a"), 1);
    expect(book.usedCount).toBe(1);
  });
});

describe("RFC 3261 22 judging a request", () => {
  const REALM = "trunk.example.net";
  const SOURCE = "192.0.2.10";
  const URI = "sip:+15551230001@trunk.example.net";

  function setUp(secrets: Readonly<Record<string, DigestSecret[]>> = { alice: [{ password: "Secret12345x" }] }) {
    const clock = new ManualClock();
    const nonces = new NonceBook(clock);
    const asked: string[] = [];
    const check: DigestCheck = {
      header: "Proxy-Authorization",
      realm: REALM,
      source: SOURCE,
      nonces,
      secretsOf: (username, algorithm) => {
        asked.push(`${username} ${algorithm}`);
        return new Map(Object.entries(secrets)).get(username) ?? [];
      },
    };
    return { clock, nonces, check, asked };
  }

  function authorization(
    nonces: NonceBook,
    changes: Partial<Challenge> & { username?: string; password?: string; uri?: string; count?: number } = {},
  ): string {
    const { username = "alice", password = "Secret12345x", uri = URI, count = 1, ...rest } = changes;
    const challenge: Challenge = {
      realm: REALM,
      nonce: rest.nonce ?? nonces.make(SOURCE),
      algorithm: "MD5",
      qopAuth: true,
      opaque: undefined,
      stale: false,
      ...rest,
    };
    return `Proxy-Authorization: ${answerChallenge(challenge, { method: "INVITE", uri }, { username, password }, "c", count)}`;
  }

  const request = (...lines: string[]): SipRequest => parseMessage(invite({}, lines)) as SipRequest;

  it("no credentials, another realm, another scheme: absent (SIP-AUTH-5)", () => {
    const { check, nonces, asked } = setUp();
    expect(verifyAuthorization(request(), check)).toEqual({ kind: "absent" });
    expect(verifyAuthorization(request(authorization(nonces, { realm: "other" })), check)).toEqual({ kind: "absent" });
    expect(verifyAuthorization(request("Proxy-Authorization: Basic dTpw"), check)).toEqual({ kind: "absent" });
    const asAuthorization = authorization(nonces).replace("Proxy-Authorization", "Authorization");
    expect(verifyAuthorization(request(asAuthorization), check)).toEqual({ kind: "absent" });
    expect(asked).toEqual([]);
  });

  it.each<DigestAlgorithm>(["MD5", "SHA-256", "SHA-512-256"])("%s, password or HA1 (R-AUTH-11)", (algorithm) => {
    const ha1 = digestHa1(algorithm, "alice", REALM, "Secret12345x");
    for (const secret of [{ password: "Secret12345x" }, { ha1 }, { ha1: ha1.toUpperCase() }]) {
      const { check, nonces, asked } = setUp({ alice: [secret] });
      const line = authorization(nonces, { algorithm });
      expect(verifyAuthorization(request(line), check)).toEqual({ kind: "valid", username: "alice" });
      expect(asked).toEqual([`alice ${algorithm}`]);
    }
  });

  it("the old form without qop", () => {
    const { check, nonces } = setUp();
    const line = authorization(nonces, { qopAuth: false });
    expect(verifyAuthorization(request(line), check).kind).toBe("valid");
    expect(verifyAuthorization(request(line), check).kind).toBe("stale");
  });

  it("wrong password and unknown user look the same (SIP-AUTH-9, hardening R5)", () => {
    const { check, nonces } = setUp();
    expect(verifyAuthorization(request(authorization(nonces, { password: "x" })), check)).toEqual({
      kind: "wrong",
      username: "alice",
    });
    expect(verifyAuthorization(request(authorization(nonces, { username: "bob" })), check)).toEqual({
      kind: "wrong",
      username: "bob",
    });
    for (const username of ["__proto__", "", "a\\b"])
      expect(verifyAuthorization(request(authorization(nonces, { username })), setUp({}).check).kind).toBe("wrong");
  });

  it("any of several secrets will do (R-AUTH-5)", () => {
    const { check, nonces } = setUp({ alice: [{ password: "one" }, { password: "Secret12345x" }] });
    expect(verifyAuthorization(request(authorization(nonces)), check).kind).toBe("valid");
  });

  it("replay, late and foreign nonces are stale, not wrong, when the password is right", () => {
    const { check, nonces, clock } = setUp();
    const nonce = nonces.make(SOURCE);
    const line = authorization(nonces, { nonce });
    expect(verifyAuthorization(request(line), check).kind).toBe("valid");
    expect(verifyAuthorization(request(line), check).kind).toBe("stale");
    expect(verifyAuthorization(request(authorization(nonces, { nonce, count: 2 })), check).kind).toBe("valid");
    expect(verifyAuthorization(request(authorization(nonces, { nonce: nonces.make("192.0.2.99") })), check).kind).toBe(
      "stale",
    );
    expect(verifyAuthorization(request(authorization(nonces, { nonce: "" })), check).kind).toBe("stale");
    clock.advance(62_000);
    expect(verifyAuthorization(request(authorization(nonces, { nonce, count: 3 })), check).kind).toBe("stale");
    expect(verifyAuthorization(request(authorization(nonces, { nonce, password: "x" })), check).kind).toBe("wrong");
  });

  it("a wrong answer uses no count up", () => {
    const { check, nonces } = setUp();
    const nonce = nonces.make(SOURCE);
    expect(verifyAuthorization(request(authorization(nonces, { nonce, password: "x" })), check).kind).toBe("wrong");
    expect(verifyAuthorization(request(authorization(nonces, { nonce })), check).kind).toBe("valid");
  });

  it("a digest for another method is wrong", () => {
    const { check, nonces } = setUp();
    const made = parseMessage(invite({}, [authorization(nonces)])) as SipRequest;
    expect(verifyAuthorization({ ...made, method: "REFER" }, check).kind).toBe("wrong");
  });

  it("the uri has to be equivalent to the Request-URI, else 400 (SIP-AUTH-5)", () => {
    const { check, nonces } = setUp();
    const same = "sip:%2B15551230001@TRUNK.example.net";
    expect(verifyAuthorization(request(authorization(nonces, { uri: same })), check).kind).toBe("valid");
    for (const uri of [
      "sip:+15551230002@trunk.example.net",
      "sips:+15551230001@trunk.example.net",
      "nonsense",
      "*",
      "",
    ])
      expect(() => verifyAuthorization(request(authorization(nonces, { uri })), check)).toThrow(SipParseError);
    expect(formatUri(request().uri)).toBe(URI);
  });

  it("of several credentials those of our realm count (SIP-AUTH-6)", () => {
    const { check, nonces } = setUp();
    const lines = [
      authorization(nonces, { realm: "first" }),
      authorization(nonces),
      authorization(nonces, { realm: "z" }),
    ];
    expect(verifyAuthorization(request(...lines), check).kind).toBe("valid");
  });

  it("400 for credentials that cannot be read", () => {
    const { check } = setUp();
    for (const value of ["Digest", 'Digest username="a', "Digest nonsense", '"'])
      if (value === "Digest")
        expect(() => verifyAuthorization(request(`Proxy-Authorization: ${value}`), check)).toThrow(/lack/);
      else expect(() => verifyAuthorization(request(`Proxy-Authorization: ${value}`), check)).toThrow(SipParseError);
  });

  it("challenge, answer, verdict: SHA-256 first (SIP-AUTH-4)", () => {
    const { check, nonces } = setUp();
    const values = makeChallenges(REALM, nonces.make(SOURCE), ["SHA-256", "MD5"], true);
    const challenges = parseChallenges(values);
    expect(challenges.map(({ algorithm, stale }) => `${algorithm} ${stale}`)).toEqual(["SHA-256 true", "MD5 true"]);
    for (const [index, challenge] of challenges.entries()) {
      const answer = answerChallenge(
        challenge,
        { method: "INVITE", uri: URI },
        { username: "alice", password: "Secret12345x" },
        "c",
        index + 1,
      );
      expect(verifyAuthorization(request(`Proxy-Authorization: ${answer}`), check).kind).toBe("valid");
    }
  });

  it("names and realms with quotes go round", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab"\\,=; é'), minLength: 1, maxLength: 12 }), (username) => {
        const challenge: Challenge = {
          realm: username,
          nonce: "n",
          algorithm: "MD5",
          qopAuth: true,
          opaque: username,
          stale: false,
        };
        const line = answerChallenge(challenge, { method: "BYE", uri: "sip:a" }, { username, password: "p" }, "c");
        const credentials = parseCredentials(line) as Credentials;
        expect(credentials).toMatchObject({ username, realm: username, opaque: username });
        expect(verifyResponse(credentials, "BYE", digestHa1("MD5", username, username, "p"))).toBe(true);
      }),
    );
  });
});
