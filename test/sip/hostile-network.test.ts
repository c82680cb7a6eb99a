/**
 * Hostile octets over real sockets (hardening R1, R16, G1): every published torture message and more, over UDP, TCP and
 * TLS, against a stack that runs. After each of them the stack still answers OPTIONS and keeps nothing.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeCertificates } from "../../src/cli/demo/certificates.ts";
import { UnacceptableRequestError } from "../../src/sip/parse-failure.ts";
import { parseMessage } from "../../src/sip/parser.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { invite, type PublishedMessage, RFC_4475, RFC_5118 } from "../support/sip-vectors.ts";
import {
  lines,
  nameOf,
  optionsRequest,
  ownAddress,
  reached,
  StreamPeer,
  startStack,
  type TestStack,
  UdpPeer,
} from "../support/sip-wire.ts";

const MESSAGES = [...RFC_4475, ...RFC_5118];

/** 64·T1 and more: after it every transaction has ended. */
const LONG_MS = 70_000;

interface Expected {
  /** Status of the answer to the datagram, 0 for none. */
  readonly udp: number;
  /** What comes on a stream; "alive" is the answer to the OPTIONS behind it. Default: the same answer, then alive. */
  readonly stream?: string;
  /** Why this is right where the index of the vectors says something else, or leaves it open. */
  readonly why?: string;
}

const BUSY = "the INVITE reached the user of the stack, who is busy";
const NO_REGISTRAR = "the REGISTER reached the user of the stack, who is no registrar (SIP-REG-1)";
const LENGTH_SLIP = "the RFC prints a Content-Length that is not that of its body (SOURCES.md of the vectors)";

/** What the stack answers when its user answers OPTIONS with 200, INVITE with 486 and all else with 405. */
const EXPECTED: Readonly<Record<string, Expected>> = {
  wsinv: { udp: 481, why: "the INVITE has a To tag, so it asks for a dialog that is not there (RFC 3261 12.2.2)" },
  intmeth: { udp: 501 },
  esc01: { udp: 486, why: BUSY },
  escnull: { udp: 405, why: NO_REGISTRAR },
  esc02: { udp: 501 },
  lwsdisp: { udp: 200 },
  longreq: { udp: 486, why: BUSY },
  dblreq: { udp: 405, stream: "405 REGISTER · 400 INVITE · closed", why: `${NO_REGISTRAR}; the rest is no SIP` },
  semiuri: { udp: 200 },
  transports: { udp: 200 },
  mpart01: { udp: 405, why: "MESSAGE is known and not offered (SIP-DLG-13)" },
  unreason: { udp: 0, why: "a response that nobody waits for" },
  noreason: { udp: 0, why: "a response that nobody waits for" },
  badinv01: { udp: 400 },
  clerr: { udp: 400, stream: "waits" },
  ncl: { udp: 400, stream: "400 INVITE · closed" },
  scalar02: { udp: 400 },
  scalarlg: { udp: 0 },
  quotbal: { udp: 400 },
  ltgtruri: { udp: 400 },
  lwsruri: { udp: 400 },
  lwsstart: { udp: 400 },
  trws: { udp: 400 },
  escruri: { udp: 486, why: "the headers in the Request-URI are left out (SIP-MSG-18)" },
  baddate: { udp: 486, why: "nobody needs Date (SIP-MSG-13)" },
  regbadct: { udp: 405, why: "no registrar, so nobody needs the Contact" },
  badaspec: { udp: 400 },
  baddn: {
    udp: 200,
    // The file lacks its last line end: what follows on a stream still belongs to its head, and that is not well.
    stream: "400 OPTIONS · closed",
    why: "the comma in the display name is taken, as the RFC allows",
  },
  badvers: { udp: 505 },
  mismatch01: { udp: 400 },
  mismatch02: { udp: 400, why: "the mismatch is found before the unknown method; the RFC allows both" },
  bigcode: { udp: 0 },
  badbranch: { udp: 200, why: "matched by the rules of RFC 2543 (SIP-TXN-8)" },
  insuf: { udp: 0, why: "without Call-ID, From and To there is nothing to answer with (SIP-MSG-8)" },
  unkscm: { udp: 416 },
  novelsc: { udp: 416 },
  unksm2: { udp: 405, why: "To and From may have any scheme; no registrar" },
  bext01: { udp: 420 },
  invut: { udp: 415 },
  regaut01: { udp: 405, why: "REGISTER is refused before anybody is asked for credentials (SIP-REG-1)" },
  multi01: { udp: 400 },
  mcl01: { udp: 400, stream: "400 OPTIONS · closed" },
  bcast: { udp: 0 },
  zeromf: { udp: 200, why: "the end that answers OPTIONS itself needs no hop (SIP-DLG-11)" },
  cparam01: { udp: 405, why: NO_REGISTRAR },
  cparam02: { udp: 405, why: NO_REGISTRAR },
  regescrt: { udp: 405, why: NO_REGISTRAR },
  sdp01: { udp: 406 },
  inv2543: { udp: 486, stream: "400 INVITE · closed", why: `${BUSY}; a stream needs Content-Length (SIP-MSG-11)` },
  test: { udp: 0, stream: "closed", why: "no SIP at all (SIP-MSG-12)" },
  "baddn.terminated": { udp: 200, why: "the comma in the display name is taken, as the RFC allows" },
  "ipv6-good": { udp: 405, why: NO_REGISTRAR },
  "ipv6-bad": { udp: 400 },
  "port-ambiguous": { udp: 405, why: NO_REGISTRAR },
  "port-unambiguous": { udp: 405, why: NO_REGISTRAR },
  "via-received-param-with-delim": { udp: 481, why: "BYE without a dialog" },
  "via-received-param-no-delim": { udp: 200 },
  // On a stream the INVITE takes its missing 17 octets from the request behind it.
  "ipv6-in-sdp": { udp: 400, stream: "486 INVITE · 400 OPTIONS", why: LENGTH_SLIP },
  "mult-ip-in-header": { udp: 481, why: "BYE without a dialog" },
  "mult-ip-in-sdp": { udp: 486, stream: "486 INVITE · closed", why: `${BUSY}; ${LENGTH_SLIP}` },
  "ipv4-mapped-ipv6": { udp: 486, stream: "486 INVITE · closed", why: `${BUSY}; ${LENGTH_SLIP}` },
  "ipv6-bug-abnf-3-colons": { udp: 200 },
  "ipv6-correct-abnf-2-colons": { udp: 200 },
};

/** Where answers of this message go without rport: the port of its top Via. */
function viaPort(bytes: Buffer): number {
  try {
    return parseMessage(bytes).vias[0]?.port ?? 5060;
  } catch (error) {
    return (error instanceof UnacceptableRequestError ? error.request.vias[0]?.port : undefined) ?? 5060;
  }
}

/** A peer for each port that the messages name. */
class Senders {
  readonly #peers = new Map<number, UdpPeer>();

  readonly #address: string;

  constructor(address: string) {
    this.#address = address;
  }

  /** How many datagrams came in all. */
  get count(): number {
    return [...this.#peers.values()].reduce((sum, peer) => sum + peer.received.length + peer.other.length, 0);
  }

  async at(port: number): Promise<UdpPeer> {
    const known = this.#peers.get(port);
    if (known !== undefined) return known;
    const made = await UdpPeer.open(this.#address, port);
    this.#peers.set(port, made);
    return made;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#peers.values()].map((peer) => peer.close()));
  }
}

/** Sends OPTIONS from the peer and waits for its answer. Returns the answers that came before, without the OPTIONS. */
async function datagramAnswers(peer: UdpPeer, bytes: Buffer, to: { address: string; port: number }): Promise<string[]> {
  const before = peer.received.length;
  await peer.send(bytes, to.port, to.address);
  const { bytes: options, callId } = optionsRequest("udp", peer.address, peer.port, to.address);
  await peer.send(options, to.port, to.address);
  await reached(() => peer.received.some((one) => one.callId === callId), "the answer to OPTIONS");
  return peer.received
    .slice(before)
    .filter((one) => one.callId !== callId)
    .map(nameOf);
}

/**
 * Sends the octets and an OPTIONS behind them. Returns what came, in words.
 * @param unanswered - true when the OPTIONS is not going to be answered, since the octets before it want it as their body
 */
async function streamAnswers(peer: StreamPeer, bytes: Buffer, octets: boolean, unanswered: boolean): Promise<string> {
  await peer.send(bytes, octets);
  const { bytes: options, callId } = optionsRequest("tcp", "127.0.0.1", 5060);
  await peer.send(options);
  const isAlive = (): boolean => peer.received.some((one) => one.callId === callId);
  if (!unanswered) await reached(() => peer.closed || isAlive(), "an answer or the end of the connection");
  const words = peer.received.map((one) =>
    one.callId === callId && one.kind === "response" && one.status === 200 ? "alive" : nameOf(one),
  );
  return [...words, ...(peer.closed ? ["closed"] : [])].join(" · ");
}

async function startAnswering(options: Parameters<typeof startStack>[0] = {}): Promise<TestStack> {
  const test = await startStack(options);
  test.stack.onInvite = (invite) => invite.reject(486);
  test.stack.onRequest = (incoming) => incoming.respond(incoming.request.method === "OPTIONS" ? 200 : 405);
  return test;
}

/** Nothing is left of what came. */
function expectEmpty(test: TestStack): void {
  test.clock.advance(LONG_MS);
  expect(test.stack.activeTransactions).toBe(0);
  expect(test.stack.activeDialogs).toBe(0);
  expect(test.stack.counters.faults, test.log.lines.join("\n")).toBe(0);
}

describe("the table of answers", () => {
  it("names every message of RFC 4475 and RFC 5118", () => {
    expect(Object.keys(EXPECTED).sort()).toEqual(MESSAGES.map(({ file }) => file).sort());
  });

  it.each(MESSAGES)("$section $file: as the index says, or with a reason", ({ file, expect: wanted, alsoAllowed }) => {
    const { udp, why } = EXPECTED[file]!;
    const words = `${wanted} ${alsoAllowed}`;
    const isAsSaid =
      udp === 0 ? words.includes("drop") : udp === 200 ? /accept|200/.test(wanted) : words.includes(`${udp}`);
    expect(isAsSaid || why !== undefined).toBe(true);
  });
});

describe("RFC 4475 and RFC 5118 over UDP", () => {
  const senders = new Senders(ownAddress());
  let test: TestStack;
  beforeAll(async () => {
    test = await startAnswering();
  });
  afterAll(async () => {
    await senders.close();
    await test.stop();
  });

  it.each(MESSAGES)("$section $file", async ({ file, bytes }) => {
    const peer = await senders.at(viaPort(bytes));
    const answers = await datagramAnswers(peer, bytes, { address: "127.0.0.1", port: test.port("udp") });
    const { udp } = EXPECTED[file]!;
    expect(answers.map((answer) => answer.split(" ")[0])).toEqual(udp === 0 ? [] : [String(udp)]);
    expectEmpty(test);
    // Answers that were repeated for want of an ACK must not be taken for those of the next message.
    await reached(() => senders.count === test.sent.length, "everything that was sent");
  });
});

describe.each(["tcp", "tls"] as const)("RFC 4475 and RFC 5118 over %s", (transport) => {
  let test: TestStack;
  let caPem = "";
  beforeAll(async () => {
    const certificates = await makeCertificates(["sip.example.net"]);
    ({ caPem } = certificates);
    test = await startAnswering({
      listen: [{ transport, address: "127.0.0.1", port: 0 }],
      tls: { certPem: certificates.certPem, keyPem: certificates.keyPem },
    });
  });
  afterAll(() => test.stop());

  const connect = (): Promise<StreamPeer> =>
    transport === "tcp"
      ? StreamPeer.open(test.port("tcp"))
      : StreamPeer.openTls(test.port("tls"), caPem, { servername: "sip.example.net" });

  async function check({ file, bytes }: PublishedMessage, octets: boolean): Promise<void> {
    const { udp, stream } = EXPECTED[file]!;
    const peer = await connect();
    const answer = await streamAnswers(peer, bytes, octets, stream === "waits");
    if (stream === "waits") expect(answer).toBe("");
    else if (stream !== undefined) expect(answer).toBe(stream);
    else expect(answer).toMatch(udp === 0 ? /^alive$/ : new RegExp(`^${udp} \\S+ · alive$`));
    await peer.close();
    // A connection that was spoilt spoils no other.
    const next = await connect();
    expect(await streamAnswers(next, Buffer.alloc(0), false, false)).toBe("alive");
    await next.close();
    expectEmpty(test);
  }

  it.each(MESSAGES)("$section $file whole", (message) => check(message, false));

  // TLS makes a record of each octet, and TCP shows the framing just as well.
  if (transport === "tcp") it.each(MESSAGES)("$section $file one octet a segment", (message) => check(message, true));
});

describe("datagrams that are no SIP", () => {
  const senders = new Senders("127.0.0.1");
  let test: TestStack;
  let peer: UdpPeer;
  beforeAll(async () => {
    test = await startAnswering();
    peer = await senders.at(0);
  });
  afterAll(async () => {
    await senders.close();
    await test.stop();
  });

  const answers = (bytes: Buffer): Promise<string[]> =>
    datagramAnswers(peer, bytes, { address: "127.0.0.1", port: test.port("udp") });

  it("hardening R1: 200 datagrams of random octets are dropped", async () => {
    const random = seededRandom(4475);
    for (let round = 0; round < 200; round++) {
      const bytes = Buffer.alloc(1 + Math.floor(random() * 1500));
      for (let at = 0; at < bytes.length; at++) bytes[at] = Math.floor(random() * 256);
      expect(await answers(bytes)).toEqual([]);
    }
    expectEmpty(test);
  });

  it.each([0x00, 0x0a, 0x0d, 0x20, 0x22, 0x2c, 0x3a, 0x3b, 0x3c, 0x41, 0xff])(
    "hardening R24: the largest datagram of one repeated octet 0x%s is dropped",
    async (octet) => expect(await answers(Buffer.alloc(65_507, octet))).toEqual([]),
  );

  it.each(["\r\n", "\r\n\r\n", "\0", "\0\0\0\0", ""])(
    "R-KEEP-5 keep-alive %j gets no answer over UDP",
    async (text) => {
      const parseErrors = test.stack.counters.parseErrors;
      expect(await answers(Buffer.from(text))).toEqual([]);
      expect(test.stack.counters.parseErrors).toBe(parseErrors);
    },
  );

  it("SIP-MSG-14 a URI, a header and a message that are too large get 414, 513 and 413", async () => {
    const request = (uri: string, extra: string, body = ""): Buffer =>
      lines(
        [
          `OPTIONS ${uri} SIP/2.0`,
          `Via: SIP/2.0/UDP 127.0.0.1:${peer.port};branch=z9hG4bKlarge${uri.length}${extra.length}${body.length};rport`,
          "From: <sip:a@example.net>;tag=1",
          "To: <sip:b@example.net>",
          `Call-ID: large-${uri.length}-${extra.length}-${body.length}`,
          "CSeq: 1 OPTIONS",
          `X-Extra: ${extra}`,
        ],
        body,
      );
    expect(await answers(request(`sip:${"a".repeat(2000)}@example.net`, ""))).toEqual(["414 OPTIONS"]);
    expect(await answers(request("sip:example.net", "x".repeat(9000)))).toEqual(["513 OPTIONS"]);
    expect(await answers(request("sip:example.net", "", "x".repeat(40_000)))).toEqual(["413 OPTIONS"]);
    expectEmpty(test);
  });

  it("SIP-OVL-4 an answer is never three times as large as its request", async () => {
    const small = Buffer.from(
      `OPTIONS sip:a SIP/2.0\r\nv: SIP/2.0/UDP 127.0.0.1:${peer.port}\r\nf: <sip:a>\r\nt: <sip:a>\r\ni: 1\r\nCSeq: 1 OPTIONS\r\n\r\n`,
    );
    test.sent.length = 0;
    expect(await answers(small)).toEqual(["200 OPTIONS"]);
    const { serializeMessage } = await import("../../src/sip/serialize.ts");
    expect(serializeMessage(test.sent[0]!.message).length).toBeLessThan(3 * small.length);
  });
});

describe("messages that were damaged on the way", () => {
  /** One to eight octets changed, cut out, doubled, or a piece of another message put in. */
  function damaged(bytes: Buffer, other: Buffer, random: () => number): Buffer {
    const below = (limit: number): number => Math.floor(random() * limit);
    let made = Buffer.from(bytes);
    for (let round = 1 + below(8); round > 0; round--) {
      const at = below(made.length);
      const length = 1 + below(20);
      const kind = below(4);
      if (kind === 0) made[at] = below(256);
      else if (kind === 1) made = Buffer.concat([made.subarray(0, at), made.subarray(at + length)]);
      else if (kind === 2) made = Buffer.concat([made.subarray(0, at + length), made.subarray(at)]);
      else {
        const from = below(other.length);
        made = Buffer.concat([made.subarray(0, at), other.subarray(from, from + length), made.subarray(at)]);
      }
    }
    return made;
  }

  it.each([1, 2, 3])(
    "G2 400 of them over UDP, seed %i: none is a fault, and OPTIONS is answered throughout",
    async (seed) => {
      const random = seededRandom(seed);
      const senders = new Senders("127.0.0.1");
      const test = await startAnswering();
      const peer = await senders.at(0);
      const extra = invite({}, [
        "Supported: timer, 100rel",
        "Session-Expires: 1800;refresher=uac",
        "Min-SE: 90",
        "Record-Route: <sip:p1.example.net;lr>",
        "RAck: 1 1 INVITE",
        "Timestamp: 1.5",
        "Expires: 30",
      ]);
      const all = [...MESSAGES.map(({ bytes }) => bytes), extra, extra, extra];
      const pick = (): Buffer => all[Math.floor(random() * all.length)]!;
      for (let round = 0; round < 40; round++) {
        for (let one = 0; one < 9; one++) {
          const bytes = damaged(pick(), pick(), random);
          // Answers without rport would go to whatever port the damage made.
          await peer.send(bytes, test.port("udp"));
        }
        await datagramAnswers(peer, damaged(pick(), pick(), random), { address: "127.0.0.1", port: test.port("udp") });
        test.clock.advance(LONG_MS);
      }
      expectEmpty(test);
      await senders.close();
      await test.stop();
    },
  );
});

describe("streams that do harm", () => {
  it("SIP-MSG-11 a Content-Length beyond all bounds is refused and the connection closed", async () => {
    const test = await startAnswering();
    const head = (length: string): Buffer =>
      Buffer.from(
        `OPTIONS sip:example.net SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKlong${length.length}\r\n` +
          `From: <sip:a@example.net>;tag=1\r\nTo: <sip:b@example.net>\r\nCall-ID: long\r\nCSeq: 1 OPTIONS\r\n` +
          `Content-Length: ${length}\r\n\r\n`,
      );
    for (const [length, answer] of [
      ["40000", "413 OPTIONS · closed"],
      ["4294967297", "413 OPTIONS · closed"],
      ["99999999999999999999", "400 OPTIONS · closed"],
      ["-1", "400 OPTIONS · closed"],
    ] as const) {
      const peer = await StreamPeer.open(test.port("tcp"));
      expect(await streamAnswers(peer, head(length), false, false)).toBe(answer);
    }
    expectEmpty(test);
    await test.stop();
  });

  it("SIP-MSG-14 a head that never ends closes the connection after 64 KiB", async () => {
    const test = await startAnswering();
    const peer = await StreamPeer.open(test.port("tcp"));
    await peer.send(Buffer.concat([Buffer.from("OPTIONS sip:a SIP/2.0\r\nX: "), Buffer.alloc(70_000, 0x61)]));
    await reached(() => peer.closed, "the end of the connection");
    await test.stop();
  });

  it("SIP-TP-15 a connection without a whole message for 30 s is closed, however slowly it drips", async () => {
    const test = await startAnswering();
    const peer = await StreamPeer.open(test.port("tcp"));
    await reached(() => test.stack.connectionCount === 1, "the connection");
    const { bytes } = optionsRequest("tcp", "127.0.0.1", 5060);
    for (let second = 0; second < 29; second++) {
      await peer.send(bytes.subarray(second, second + 1));
      test.clock.advance(1000);
    }
    expect(test.stack.connectionCount).toBe(1);
    test.clock.advance(1000);
    expect(test.stack.connectionCount).toBe(0);
    await reached(() => peer.closed, "the end of the connection");
    await test.stop();
  });

  it("SIP-TP-15 an idle connection is closed after 10 minutes, and a message or a ping keeps it", async () => {
    const test = await startAnswering();
    const peer = await StreamPeer.open(test.port("tcp"));
    expect(await streamAnswers(peer, Buffer.alloc(0), false, false)).toBe("alive");
    test.clock.advance(599_000);
    await peer.send(Buffer.from("\r\n\r\n"));
    await reached(() => peer.pongs === 1, "the pong");
    test.clock.advance(599_000);
    expect(test.stack.connectionCount).toBe(1);
    test.clock.advance(1000);
    expect(test.stack.connectionCount).toBe(0);
    await test.stop();
  });

  it("RFC 5626 4.4.1, R-KEEP-4 a ping between messages gets a pong, line ends inside a body do not", async () => {
    const test = await startAnswering();
    const peer = await StreamPeer.open(test.port("tcp"));
    await peer.send(Buffer.from("\r\n\r\n"), true);
    await reached(() => peer.pongs === 1, "the pong");
    const { bytes } = optionsRequest("tcp", "127.0.0.1", 5060);
    const withBody = Buffer.from(
      bytes.toString().replace("Content-Length: 0\r\n\r\n", "Content-Length: 8\r\n\r\n\r\n\r\nend\n"),
    );
    await peer.send(withBody);
    await peer.nextResponse(200);
    expect(peer.pongs).toBe(1);
    await test.stop();
  });
});

describe("a whole gateway", () => {
  const address = ownAddress(1);
  const senders = new Senders(ownAddress());
  let running: TestGateway;
  beforeAll(async () => {
    running = await startGateway(address, "", { sip: "  optionsBurst: 1000" });
  });
  afterAll(async () => {
    await senders.close();
    await running.stop();
  });

  it("R1, G1 lives through every message over UDP and TCP, and drops what is for no domain of its own", async () => {
    const { gateway } = running;
    const udpPort = running.port("udp");
    for (const { bytes } of MESSAGES) {
      const peer = await senders.at(viaPort(bytes));
      const answers = await datagramAnswers(peer, bytes, { address, port: udpPort });
      // A URI that cannot be read and a request in a dialog (To tag) name no domain; 481 is repeated until an ACK comes.
      expect(answers.filter((one) => !/^(400|416|481|505) /.test(one))).toEqual([]);
      const stream = await StreamPeer.open(running.port("tcp"), { address });
      await stream.send(bytes);
      await stream.close();
    }
    expect(gateway.status()).toMatchObject({ ready: true, calls: 0, dialogs: 0 });
  });
});

describe("settings of a gateway", () => {
  it("sip.connectionsPerSourceMax, SIP-TP-15: the connection above it is closed", async () => {
    const address = ownAddress(2);
    const running = await startGateway(address, "", { sip: "  connectionsPerSourceMax: 1" });
    const first = await StreamPeer.open(running.port("tcp"), { address });
    const second = await StreamPeer.open(running.port("tcp"), { address });
    await reached(() => second.closed, "the end of the second connection");
    expect(first.closed).toBe(false);
    expect(running.gateway.status().connections).toBe(1);
    await first.close();
    await running.stop();
  });
});
