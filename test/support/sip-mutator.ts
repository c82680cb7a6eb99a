/**
 * Hostile SIP messages made of honest ones: knows lines, headers, start line and body, and breaks them one by one or
 * together. All randomness comes from a seed, so that a run can be had again.
 */
import { seededRandom } from "./seeded-random.ts";

/** A message taken apart; headers without line ends. */
interface Parts {
  start: string;
  headers: string[];
  body: string;
}

type Operation = (parts: Parts) => void;

/** Numbers at which something may go over an edge. */
const NUMBERS =
  "0 -1 1 65535 65536 99999 2147483647 2147483648 4294967295 4294967296 4294967328 18446744073709551616 1e9 0x10 +5 007"
    .split(" ")
    .concat("9".repeat(40), "", " ", "NaN");
const METHODS =
  "INVITE ACK BYE CANCEL OPTIONS REGISTER UPDATE PRACK INFO REFER NOTIFY SUBSCRIBE MESSAGE PUBLISH FOO invite".split(
    " ",
  );
const NAMES =
  "Via From To Call-ID CSeq Contact Max-Forwards Content-Length Content-Type Route Record-Route Require Supported Session-Expires Min-SE Expires RAck Refer-To Replaces Authorization Proxy-Authorization Diversion P-Asserted-Identity Privacy Reason Accept Event Timestamp __proto__ constructor X-Y f v i m l t".split(
    " ",
  );
const SDP_LINES = [
  "m=audio 0 RTP/AVP 0",
  "m=audio 99999 RTP/AVP 0",
  "m=audio 4000 RTP/SAVP 0",
  "m=image 4000 udptl t38",
  `m=audio 4000 RTP/AVP ${"0 ".repeat(300)}`,
  "c=IN IP4 224.1.1.1",
  "c=IN IP4 0.0.0.0",
  "c=IN IP6 ::1",
  "c=IN IP4",
  "a=ptime:0",
  "a=ptime:4294967296",
  "a=rtpmap:0 PCMU/0",
  "a=rtpmap:999 PCMU/8000",
  "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA",
  `a=crypto:${"9".repeat(30)} AES_CM_128_HMAC_SHA1_80 inline:${"A".repeat(40)}`,
  "a=fmtp:101 0-999999999",
  "a=rtcp:70000",
  "a=inactive",
  "o=- 99999999999999999999999 1 IN IP4 x",
  "t=",
  "=",
];
/** Longer than any message that is taken. */
const OCTETS_MAX = 70_000;

export class SipMutator {
  readonly #random: () => number;
  readonly #corpus: readonly string[];
  readonly #operations: readonly Operation[];
  #made = 0;

  /** @param corpus - honest messages, and those that others have published as torture */
  constructor(seed: number, corpus: readonly Uint8Array[]) {
    this.#random = seededRandom(seed);
    this.#corpus = corpus.map((bytes) => Buffer.from(bytes).toString("latin1"));
    this.#operations = this.#all();
  }

  /** The next message. */
  next(): Buffer {
    this.#made++;
    let text = this.#one();
    if (this.#chance(0.03)) text += this.#one();
    if (this.#chance(0.04)) text = text.slice(0, this.#below(text.length + 1));
    if (this.#chance(0.06)) text = this.#spliced(text);
    return Buffer.from(text.slice(0, OCTETS_MAX), "latin1");
  }

  /** A number below `limit`. */
  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }

  #of<T>(list: readonly T[]): T {
    return list[this.#below(list.length)]!;
  }

  #one(): string {
    const text = this.#of(this.#corpus);
    const split = text.indexOf("\r\n\r\n");
    const head = split < 0 ? text : text.slice(0, split);
    const [start = "", ...headers] = head.split("\r\n");
    const parts: Parts = { start, headers, body: split < 0 ? "" : text.slice(split + 4) };
    // Most are new to the gateway; some are repeats of what it knows.
    if (this.#chance(0.85)) this.#freshen(parts);
    // Most have one fault only: several at once would all end at the parser.
    const count = this.#chance(0.1) ? 0 : 1 + this.#below(1 + this.#below(4));
    for (let i = 0; i < count; i++) this.#of(this.#operations)(parts);
    return `${[parts.start, ...parts.headers].join("\r\n")}\r\n\r\n${parts.body}`;
  }

  #freshen(parts: Parts): void {
    const tail = `${this.#made.toString(36)}x${this.#below(1e9).toString(36)}`;
    parts.headers = parts.headers.map((line) =>
      /^(via|v)\s*:/i.test(line)
        ? line.replace(/branch=[^;,\s]*/, `branch=z9hG4bK${tail}`)
        : /^(call-id|i)\s*:/i.test(line) && this.#chance(0.8)
          ? `Call-ID: ${tail}`
          : line,
    );
  }

  /** Octets put in, taken out, or changed. */
  #spliced(text: string): string {
    const at = this.#below(text.length + 1);
    const octet = String.fromCharCode(this.#below(256));
    switch (this.#below(4)) {
      case 0:
        return text.slice(0, at) + octet + text.slice(at + 1);
      case 1:
        return text.slice(0, at) + octet.repeat(1 + this.#below(this.#chance(0.05) ? 40_000 : 60)) + text.slice(at);
      case 2:
        return text.slice(0, at) + text.slice(at + 1 + this.#below(80));
      default:
        return text.slice(0, at) + text.slice(this.#below(text.length + 1));
    }
  }

  #index({ headers }: Parts): number {
    return this.#below(headers.length);
  }

  #changed(parts: Parts, change: (line: string) => string): void {
    if (parts.headers.length === 0) return;
    const index = this.#index(parts);
    parts.headers[index] = change(parts.headers[index]!);
  }

  #replace(parts: Parts, name: RegExp, line: string): void {
    const index = parts.headers.findIndex((one) => name.test(one));
    if (index >= 0) parts.headers[index] = line;
    else parts.headers.push(line);
  }

  #all(): Operation[] {
    const octets = (count: number): string =>
      Array.from({ length: count }, () => String.fromCharCode(this.#below(256))).join("");
    const insertAt = (text: string, what: string): string => {
      const at = this.#below(text.length + 1);
      return text.slice(0, at) + what + text.slice(at);
    };
    const long = (): string =>
      this.#of(["a", "1", ";", ",", "<", '"', "\\", "%", "@", " ", "=a;"]).repeat(this.#below(9000));
    return [
      // Headers dropped, doubled, swapped, foreign.
      (parts) => parts.headers.splice(this.#index(parts), 1),
      (parts) => parts.headers.splice(this.#index(parts), 0, this.#of(parts.headers) ?? "X: y"),
      (parts) => {
        const [a, b] = [this.#index(parts), this.#index(parts)];
        const line = parts.headers[a];
        if (line === undefined) return;
        parts.headers[a] = parts.headers[b]!;
        parts.headers[b] = line;
      },
      (parts) =>
        parts.headers.splice(
          this.#index(parts),
          0,
          `${this.#of(NAMES)}: ${this.#of([...NUMBERS, octets(12), "*", "<>", '"'])}`,
        ),
      (parts) => this.#changed(parts, (line) => `${this.#of(NAMES)}${line.slice(line.indexOf(":"))}`),
      // Long, odd, folded, broken in their middle.
      (parts) => this.#changed(parts, (line) => insertAt(line, long())),
      (parts) => this.#changed(parts, (line) => insertAt(line, octets(1 + this.#below(6)))),
      (parts) =>
        this.#changed(parts, (line) =>
          insertAt(line, this.#of(["\r\n ", "\r\n\t", "\n", "\r", "\0", "\r\n", " : ", '"', "<", ">"])),
        ),
      (parts) => this.#changed(parts, (line) => line.slice(0, this.#below(line.length + 1))),
      (parts) => this.#changed(parts, (line) => line.replace(/\d+/, () => this.#of(NUMBERS))),
      (parts) =>
        this.#changed(parts, (line) =>
          line.replace(/;[^;]*/, () => this.#of([";", ";=", ";;", ";tag", ";tag=", ";lr;lr", ';a="', `;${octets(5)}`])),
        ),
      (parts) => this.#changed(parts, (line) => line.replace(/sips?:[^>;,\s]*/i, () => this.#uri())),
      (parts) => {
        for (let i = this.#below(300); i > 0; i--)
          parts.headers.push(this.#of(["X-A: b", "Via: SIP/2.0/UDP h", "Record-Route: <sip:h;lr>", "Require: x"]));
      },
      // What frames and orders messages.
      (parts) =>
        this.#replace(
          parts,
          /^(content-length|l)\s*:/i,
          `Content-Length: ${this.#of([...NUMBERS, String(parts.body.length + 1), String(this.#below(2000))])}`,
        ),
      (parts) => this.#replace(parts, /^cseq\s*:/i, `CSeq: ${this.#of([...NUMBERS, "1", "2"])} ${this.#of(METHODS)}`),
      (parts) =>
        this.#replace(
          parts,
          /^(via|v)\s*:/i,
          `Via: ${this.#of(["SIP/2.0/UDP", "SIP/2.0/TCP", "SIP/9.9/UDP", "SIP/2.0", "X/2.0/UDP", "SIP / 2.0 / UDP", ""])} ` +
            `${this.#of(["127.0.0.1", "h", "[::1]", "[", "224.0.0.1:5060", `a:${this.#of(NUMBERS)}`, "", "127.0.0.1:5060, x"])}` +
            this.#of([
              "",
              ";branch=",
              ";branch=z9hG4bK",
              ";rport=1;received=1.2.3.4",
              ";maddr=127.0.0.1;ttl=999",
              `;branch=z9hG4bK${long()}`,
            ]),
        ),
      // Start line.
      (parts) => {
        parts.start = parts.start.replace(/^\S+/, () => this.#of(METHODS));
      },
      (parts) => {
        parts.start = parts.start.replace(/ \S+ /, () => ` ${this.#uri()} `);
      },
      (parts) => {
        parts.start = insertAt(parts.start, this.#of([octets(3), " ", "\t", "\0", long(), "SIP/2.0"]));
      },
      (parts) => {
        parts.start = `SIP/2.0 ${this.#of([...NUMBERS, "100", "180", "183", "200", "200", "302", "401", "407", "422", "486", "491", "503", "699", "700"])} ${octets(this.#below(9))}`;
      },
      // Session descriptions.
      (parts) => {
        const lines = parts.body.split("\r\n");
        lines.splice(this.#below(lines.length + 1), this.#below(2), this.#of(SDP_LINES));
        parts.body = lines.join("\r\n");
      },
      (parts) => {
        parts.body = parts.body.replace(/\d+/g, (digits) => (this.#chance(0.15) ? this.#of(NUMBERS) : digits));
      },
      (parts) => {
        parts.body = this.#chance(0.5)
          ? insertAt(parts.body, octets(5))
          : parts.body.slice(this.#below(parts.body.length + 1));
      },
      (parts) => {
        parts.body += Array.from({ length: this.#below(200) }, () => this.#of(SDP_LINES)).join("\r\n");
      },
    ];
  }

  #uri(): string {
    return this.#of([
      "sip:",
      "sip:@",
      "sip:a@b@c",
      "sip:+15550200300@127.0.0.1:99999",
      "sip:%00%0d%0a@h",
      "sip:[::1]",
      "sip:[::1",
      "sips:a@b;transport=udp;transport=tcp",
      "tel:+1555",
      "tel:",
      "http://x",
      "urn:service:sos",
      `sip:${"a".repeat(this.#below(3000))}@h`,
      "sip:a@h?Replaces=x%3bto-tag=1&__proto__=1",
      "*",
      "",
    ]);
  }
}
