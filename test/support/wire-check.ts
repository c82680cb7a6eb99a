/**
 * Reads a capture with programs that are not ours: tshark looks for malformed packets and errors of protocol, sdp-transform
 * reads every session description that the gateway sent over UDP. What tshark doesn't see (a wrong Content-Length, broken
 * lines of SDP) is looked at here.
 */
import { parse } from "sdp-transform";
import { datagramsOf } from "./pcap.ts";
import { Peer } from "./peers.ts";

/** `_ws.expert.severity` of tshark: error. Malformed packets are errors as well. */
const ERROR = "8388608";
/** Order of lines (RFC 8866 §5): session, then each media description. */
const SESSION = /^v=0 o= s=( i=)?( u=)?( e=)*( p=)*( c=)?( b=)*( t=( r=)*)+( z=)?( k=)?( a=)*$/;
const MEDIA = /^m=( i=)?( c=)*( b=)*( k=)?( a=)*$/;

/** Everything that is wrong with packets from one address; empty is the only good answer. */
export async function wireFaults(file: string, from: string): Promise<string[]> {
  return [...(await tsharkFaults(file, from)), ...sipFaults(file, from)];
}

/** Protocols that tshark knows by a port which may be one of our media: a call to 23272 would be read as A21. */
let strangers: Promise<string[]> | undefined;

async function portProtocols(): Promise<string[]> {
  const { stdout } = await new Peer("tshark", ["-G", "decodes"], "/tmp").finished;
  const names = stdout.split("\n").flatMap((line) => {
    const [table, port, name] = line.split("\t");
    return table === "udp.port" && Number(port) >= 10_000 && name !== undefined ? [name] : [];
  });
  return [...new Set(names)].filter((name) => !["sip", "sdp", "rtp", "rtcp", "srtp", "srtcp"].includes(name));
}

async function tsharkFaults(file: string, from: string): Promise<string[]> {
  const fields = ["frame.number", "frame.protocols", "_ws.expert.message"].flatMap((field) => ["-e", field]);
  // An ICMP message quotes the beginning of a packet only.
  const filter = `ip.src == ${from} and not icmp and (_ws.malformed or _ws.expert.severity == ${ERROR})`;
  strangers ??= portProtocols();
  const without = (await strangers).flatMap((name) => ["--disable-protocol", name]);
  const args = ["-n", ...without, "-r", file, "-Y", filter, "-T", "fields", ...fields];
  const tshark = new Peer("tshark", args, "/tmp");
  const { code, stdout, stderr } = await tshark.finished;
  if (code !== 0) return [`tshark ended with ${code}: ${stderr}`];
  return stdout.split("\n").filter((line) => line !== "");
}

function sipFaults(file: string, from: string): string[] {
  const faults: string[] = [];
  const sessions = new Map<string, { readonly version: bigint; readonly text: string }>();
  for (const datagram of datagramsOf(file)) {
    if (datagram.from !== from || datagram.fromPort !== 5060 || datagram.payload.length < 8) continue;
    const text = datagram.payload.toString("utf8");
    const line = text.slice(0, text.indexOf("\r\n"));
    const fault = (what: string): void => {
      faults.push(`${line}: ${what}`);
    };
    const end = text.indexOf("\r\n\r\n");
    if (end < 0) {
      fault("no empty line behind the header");
      continue;
    }
    const head = text.slice(0, end);
    const body = Buffer.from(text.slice(end + 4));
    if (head.replaceAll("\r\n", "").match(/[\r\n\0]/)) fault("a lone CR, LF or NUL");
    for (const field of head.split("\r\n").slice(1))
      if (!/^[\w.!%*+`'~-]+: \S/.test(field)) fault(`header ${JSON.stringify(field)}`);
    for (const name of ["Via", "From", "To", "Call-ID", "CSeq", "Content-Length"])
      if (!new RegExp(`\r\n${name}: \\S`).test(head)) fault(`no ${name}`);
    if (!line.startsWith("SIP/2.0") && !/\r\nMax-Forwards: \d+(\r\n|$)/.test(head)) fault("no Max-Forwards");
    const length = Number(/\r\nContent-Length: (\d+)/.exec(head)?.[1]);
    if (length !== body.length) fault(`Content-Length ${length} with ${body.length} octets`);
    if (/\r\nContent-Type: application\/sdp/i.test(head)) {
      const callId = /\r\nCall-ID: ([^\r]*)/i.exec(head)?.[1] ?? "";
      for (const what of sdpFaults(body.toString("utf8"), callId, sessions)) fault(what);
    } else if (body.length > 0 && !/\r\nContent-Type: \S/.test(head)) fault("a body without Content-Type");
  }
  return faults;
}

function sdpFaults(
  sdp: string,
  callId: string,
  sessions: Map<string, { readonly version: bigint; readonly text: string }>,
): string[] {
  const faults: string[] = [];
  if (!sdp.endsWith("\r\n")) faults.push("SDP does not end with CRLF");
  const lines = sdp.split("\r\n").slice(0, -1);
  for (const line of lines) if (!/^[a-z]=\S/.test(line)) faults.push(`SDP line ${JSON.stringify(line)}`);
  const [session, ...media] = lines
    .map((line) => (line === "v=0" ? line : line.slice(0, 2)))
    .join(" ")
    .split(/ (?=m=)/);
  if (!SESSION.test(session!)) faults.push(`order of SDP lines: ${session}`);
  for (const section of media) if (!MEDIA.test(section)) faults.push(`order of SDP lines: ${section}`);

  const read = parse(sdp);
  const { origin } = read;
  if (read.media.length === 0 || read.media.length !== media.length) faults.push("m= lines");
  for (const part of read.media) {
    const formats = String(part.payloads ?? "").split(" ");
    if (read.connection === undefined && part.connection === undefined) faults.push("no c= line");
    if (part.port === 0) continue;
    if (part.type !== "audio" || !/^RTP\/S?AVPF?$/.test(part.protocol)) faults.push(`m=${part.type} ${part.protocol}`);
    if (part.port % 2 !== 0) faults.push(`odd RTP port ${part.port}`);
    if (part.protocol.startsWith("RTP/SAVP") !== (part.crypto !== undefined))
      faults.push("a=crypto and profile differ");
    if (new Set(formats).size !== formats.length) faults.push("a payload type twice");
    for (const format of formats)
      if (Number(format) >= 96 && !part.rtp.some(({ payload }) => String(payload) === format))
        faults.push(`no rtpmap for ${format}`);
    for (const { payload } of [...part.rtp, ...part.fmtp])
      if (!formats.includes(String(payload))) faults.push(`${payload} is described but not listed`);
  }
  // RFC 3264 §8: the version goes up by one with each change, and only then.
  const key = `${callId} ${origin.sessionId}`;
  const version = BigInt(/^o=\S+ \S+ (\d+) /m.exec(sdp)?.[1] ?? -1);
  const before = sessions.get(key);
  if (before !== undefined && version !== before.version + (before.text === sdp ? 0n : 1n))
    faults.push(`o= version ${before.version} then ${version}, ${before.text === sdp ? "unchanged" : "changed"} SDP`);
  sessions.set(key, { version, text: sdp });
  return faults;
}
