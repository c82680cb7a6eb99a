/**
 * What a ladder needs to know of a kept message, read from its text: first line, CSeq, From, To. The text has been masked and
 * may be cut, so this takes what it finds and never fails.
 */

export interface SipLines {
  readonly method: string;
  readonly status: number;
  readonly reason: string;
  readonly cseq: number;
  readonly authorized: boolean;
  readonly sdp: boolean;
  readonly from: string;
  readonly to: string;
  readonly requestUri: string;
}

const FIELD_LENGTH_MAX = 200;

export function readSipLines(text: string): SipLines {
  const headEnd = text.search(/\r?\n\r?\n/);
  const lines = (headEnd < 0 ? text : text.slice(0, headEnd)).split(/\r?\n/, 200);
  const first = lines[0] ?? "";
  const isAnswer = first.startsWith("SIP/2.0 ");
  const [number = "", cseqMethod = ""] = headerOf(lines, "cseq").split(/[ \t]+/, 2);
  const status = isAnswer ? Number.parseInt(first.slice(8, 11), 10) || 0 : 0;
  const [method = "", requestUri = ""] = first.split(" ", 2);
  return {
    method: (isAnswer ? cseqMethod : method).slice(0, 32),
    status,
    reason: isAnswer ? first.slice(12).slice(0, FIELD_LENGTH_MAX) : "",
    cseq: Number.parseInt(number, 10) || 0,
    authorized: !isAnswer && (has(lines, "proxy-authorization") || has(lines, "authorization")),
    sdp: /^application\/sdp/i.test(headerOf(lines, "content-type") || headerOf(lines, "c")),
    from: addressOf(headerOf(lines, "from") || headerOf(lines, "f")),
    to: addressOf(headerOf(lines, "to") || headerOf(lines, "t")),
    requestUri: isAnswer ? "" : requestUri.slice(0, FIELD_LENGTH_MAX),
  };
}

function headerOf(lines: readonly string[], name: string): string {
  const line = lines.find((one, index) => index > 0 && isNamed(one, name));
  return line === undefined ? "" : line.slice(line.indexOf(":") + 1).trim();
}

function has(lines: readonly string[], name: string): boolean {
  return lines.some((line, index) => index > 0 && isNamed(line, name));
}

function isNamed(line: string, name: string): boolean {
  const colon = line.indexOf(":");
  return colon > 0 && line.slice(0, colon).trim().toLowerCase() === name;
}

/** What stands between the angle brackets, or before the parameters. */
function addressOf(value: string): string {
  const open = value.indexOf("<");
  const close = value.indexOf(">", open);
  const uri = open >= 0 && close > open ? value.slice(open + 1, close) : (value.split(";", 1)[0] ?? "");
  return uri.trim().slice(0, FIELD_LENGTH_MAX);
}
