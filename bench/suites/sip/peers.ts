/** Parsers of other stacks in JavaScript: sip.js (core) and JsSIP. Neither takes octets, so they are given text. */
import { createRequire } from "node:module";
import type { Candidate } from "../../harness/suite.ts";
import { checkReadings, type Reading, SLICE, TEXTS, Turns } from "./fixture.ts";

const require = createRequire(import.meta.url);
const quiet = { log: () => undefined, debug: () => undefined, warn: () => undefined, error: () => undefined };

interface PeerMessage {
  readonly method: string;
  readonly ruri: { toString(): string };
  readonly cseq: number;
  readonly body: string;
  readonly from: {
    readonly uri: { readonly user: string };
    getParam?(name: string): string;
    readonly parameters?: object;
  };
  readonly callId?: string;
  readonly call_id?: string;
  readonly fromTag?: string;
  readonly from_tag?: string;
  readonly via?: { readonly branch: string };
  readonly via_branch?: string;
}

function readingOf(message: PeerMessage): Reading {
  return {
    method: message.method,
    uri: message.ruri.toString(),
    callId: message.callId ?? message.call_id ?? "",
    cseq: message.cseq,
    branch: message.via?.branch ?? message.via_branch ?? "",
    fromUser: message.from.uri.user,
    fromTag: message.fromTag ?? message.from_tag ?? "",
    bodyLength: message.body.length,
  };
}

function candidate(parse: (text: string) => unknown): Candidate {
  const turns = new Turns();
  const out: unknown[] = [];
  return {
    unitsPerCall: SLICE,
    call: () => {
      for (let i = 0; i < SLICE; i++) out[i] = parse(TEXTS[turns.next()]!);
    },
    check: () => checkReadings((index) => readingOf(parse(TEXTS[index]!) as PeerMessage)),
  };
}

export async function sipJsParse(): Promise<Candidate> {
  const path = "sip.js/lib/core/messages/parser.js";
  const { Parser } = (await import(path)) as {
    Parser: { parseMessage(text: string, logger: typeof quiet): unknown };
  };
  return candidate((text) => Parser.parseMessage(text, quiet));
}

export function jssipParse(): Candidate {
  const { parseMessage } = require("jssip/lib/Parser.js") as { parseMessage(text: string, userAgent: object): unknown };
  return candidate((text) => parseMessage(text, {}));
}
