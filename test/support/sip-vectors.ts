/** SIP messages for tests: the published ones of test/vectors, and a plain INVITE that a test changes line by line. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const vectors = join(import.meta.dirname, "..", "vectors");

export interface PublishedMessage {
  readonly file: string;
  readonly section: string;
  /** What the document expects, in words. */
  readonly expect: string;
  readonly alsoAllowed: string;
  readonly bytes: Buffer;
}

interface IndexEntry {
  readonly file: string;
  readonly section: string;
  readonly expect?: string;
  readonly alsoAllowed?: string;
  readonly bodyOmittedInRfc?: boolean;
}

function index(folder: string): IndexEntry[] {
  return JSON.parse(readFileSync(join(vectors, folder, "index.json"), "utf8")) as IndexEntry[];
}

function load(folder: string, pathOf: (entry: IndexEntry) => string): PublishedMessage[] {
  return index(folder).map((entry) => ({
    file: entry.file.replace(/\.dat$|\.sip$/, ""),
    section: entry.section,
    expect: entry.expect ?? "accept",
    alsoAllowed: entry.alsoAllowed ?? "",
    bytes: readFileSync(join(vectors, folder, pathOf(entry))),
  }));
}

/** The 49 torture messages, `test.dat` of the archive, and `baddn` with its missing line end. */
export const RFC_4475 = load("rfc4475", (entry) => entry.file);
/** With CRLF, as they go over the wire. */
export const RFC_5118 = load("rfc5118", (entry) => `wire/${entry.file}.sip`);
/** With the bare LF of the archive. */
export const RFC_5118_ARCHIVE = load("rfc5118", (entry) => `archive/${entry.file}.dat`);

/** RFC 3261 §24; six of them name a body that the RFC does not print, here filled with blanks. */
export const RFC_3261 = index("rfc3261-24").map((entry) => {
  const bytes = readFileSync(join(vectors, "rfc3261-24", entry.file));
  const declared = Number(/^Content-Length: (\d+)/m.exec(bytes.toString("latin1"))?.[1] ?? 0);
  const body = Buffer.alloc(entry.bodyOmittedInRfc === true ? declared : 0, 0x20);
  return { file: entry.file, section: entry.section, bytes: Buffer.concat([bytes, body]) };
});

export function rfc4475(file: string): Buffer {
  const found = RFC_4475.find((message) => message.file === file);
  if (found === undefined) throw new Error(`no torture message ${file}`);
  return found.bytes;
}

/** Lines with CRLF, the empty line and a body. */
export function sip(lines: readonly string[], body = ""): Buffer {
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`);
}

const INVITE: readonly string[] = [
  "INVITE sip:+15551230001@trunk.example.net SIP/2.0",
  "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK5a1f3b6e;rport",
  "Max-Forwards: 70",
  'From: "Alice" <sip:+14155551212@192.0.2.10>;tag=as58f4201b',
  "To: <sip:+15551230001@trunk.example.net>",
  "Contact: <sip:+14155551212@192.0.2.10:5060>",
  "Call-ID: 56258002189568710e7d@192.0.2.10",
  "CSeq: 102 INVITE",
  "Content-Length: 0",
];

/**
 * A plain INVITE.
 * @param changes - by header name (`start` for the request line): another line, or undefined to leave it out
 */
export function invite(
  changes: Readonly<Record<string, string | undefined>> = {},
  extra: readonly string[] = [],
  body = "",
): Buffer {
  const lines = INVITE.flatMap((line, at) => {
    const name = at === 0 ? "start" : line.slice(0, line.indexOf(":"));
    if (!(name in changes)) return [line];
    const change = changes[name];
    return change === undefined ? [] : [change];
  });
  return sip([...lines, ...extra], body);
}
