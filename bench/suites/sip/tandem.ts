/** Our own parser, writer and transactions. */
import { SystemClock } from "../../../src/base/clock.ts";
import { createResponse } from "../../../src/sip/build.ts";
import type { Flow, SipMessage, SipRequest } from "../../../src/sip/message.ts";
import { parseMessage } from "../../../src/sip/parser.ts";
import { serializeMessage } from "../../../src/sip/serialize.ts";
import { TIMER_DEFAULTS } from "../../../src/sip/transaction/timers.ts";
import { TransactionLayer } from "../../../src/sip/transaction/transaction-layer.ts";
import { stampVia } from "../../../src/sip/transport/via-rules.ts";
import { formatUri } from "../../../src/sip/uri.ts";
import type { Candidate } from "../../harness/suite.ts";
import { BYTES, checkReadings, type Reading, SLICE, Turns } from "./fixture.ts";

function readingOf(message: SipMessage): Reading {
  if (message.kind !== "request") throw new Error("no request");
  return {
    method: message.method,
    uri: formatUri(message.uri),
    callId: message.callId,
    cseq: message.cseq.number,
    branch: message.vias[0]!.params.get("branch")!,
    fromUser: message.from.uri.user!,
    fromTag: message.from.params.get("tag")!,
    bodyLength: message.body.length,
  };
}

export function tandemParse(): Candidate {
  const turns = new Turns();
  const out: SipMessage[] = [];
  return {
    unitsPerCall: SLICE,
    call: () => {
      for (let i = 0; i < SLICE; i++) out[i] = parseMessage(BYTES[turns.next()]!);
    },
    check: () => checkReadings((index) => readingOf(parseMessage(BYTES[index]!))),
  };
}

export function tandemSerialize(): Candidate {
  const turns = new Turns();
  const messages = BYTES.map((bytes) => parseMessage(bytes));
  const out: Buffer[] = [];
  return {
    unitsPerCall: SLICE,
    call: () => {
      for (let i = 0; i < SLICE; i++) out[i] = serializeMessage(messages[turns.next()]!);
    },
    check: () => checkReadings((index) => readingOf(parseMessage(serializeMessage(messages[index]!)))),
  };
}

/** The road of a datagram from the socket's callback to the user of transactions, without the system's calls. */
export function tandemTransaction(): Candidate {
  const turns = new Turns();
  const flow: Flow = {
    transport: "udp",
    remoteAddress: "127.0.0.1",
    remotePort: 5062,
    localAddress: "127.0.0.1",
    localPort: 5060,
    connectionId: undefined,
  };
  let taken: SipRequest | undefined;
  let octets = 0;
  const layer = new TransactionLayer(
    {
      clock: new SystemClock(),
      timers: TIMER_DEFAULTS,
      random: Math.random,
      sendRequest: (request) => serializeMessage(request),
      sendResponse: (response, to) => {
        const bytes = serializeMessage(response);
        octets += bytes.length;
        return { bytes, flow: to };
      },
      repeat: () => undefined,
    },
    {
      isAdmitted: () => true,
      onRequest: (transaction) => {
        taken = transaction.request;
        transaction.respond(createResponse(transaction.request, 100));
        transaction.drop();
      },
      onAck: () => undefined,
      onStray2xx: () => undefined,
    },
  );
  const take = (index: number): void => {
    const message = parseMessage(BYTES[index]!) as SipRequest;
    stampVia(message, flow);
    layer.receiveRequest(message, flow, BYTES[index]!);
  };
  return {
    unitsPerCall: SLICE,
    call: () => {
      for (let i = 0; i < SLICE; i++) take(turns.next());
    },
    check: () => {
      checkReadings((index) => {
        take(index);
        return readingOf(taken!);
      });
      if (layer.serverCount !== 0 || octets === 0) throw new Error("transactions were left, or nothing was sent");
    },
  };
}
