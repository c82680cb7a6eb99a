/**
 * What it costs to refuse a call, against what it costs to serve one (SIP-OVL-2): `npm run soak:shedding -- [calls]`, default
 * 1000 served and five times as many refused. Processor time of the gateway's process, media workers included; the peers
 * are a process of their own. Fails when anything is answered otherwise.
 */
import { fork } from "node:child_process";
import { createSocket } from "node:dgram";
import { cpuMs } from "../support/cpu-time.ts";
import { BASE, startGateway } from "../support/gateway.ts";

const GATEWAY = "127.77.23.1";
const CALLER = "127.77.23.2";
const CARRIER = "127.77.23.3";
const RATE_PER_SECOND = 100;
const IDLE_SECONDS = 4;

interface Batch {
  readonly count: number;
  readonly perSecond: number;
  /** BYE as soon as a call is answered. */
  readonly hangUp: boolean;
}

type Counts = Record<string, number>;

/** The value of a header of our own messages, and of the gateway's. */
const header = (text: string, name: string): string => new RegExp(`^${name}: *(.*)$`, "im").exec(text)![1]!.trim();

function sdpOf(address: string): string {
  return `v=0\r\no=- 1 1 IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio 30000 RTP/AVP 0\r\n`;
}

function message(startLine: string, lines: readonly string[], body = ""): string {
  const type = body === "" ? [] : ["Content-Type: application/sdp"];
  return [startLine, ...lines, ...type, `Content-Length: ${body.length}`, "", body].join("\r\n");
}

/** Caller and carrier: bare sockets, no repeats. */
async function peers(): Promise<void> {
  const caller = createSocket({ type: "udp4", recvBufferSize: 4 << 20 });
  const carrier = createSocket({ type: "udp4", recvBufferSize: 4 << 20 });
  let counts: Counts = {};
  let done: (() => void) | undefined;
  let open = 0;
  let hangUp = true;
  let last = 0;
  const finish = (what: string): void => {
    counts[what] = (counts[what] ?? 0) + 1;
    if (--open === 0) done?.();
  };
  carrier.on("message", (bytes, from) => {
    const text = bytes.toString();
    if (!/^(INVITE|BYE) /.test(text)) return;
    const head = text.split("\r\n").filter((line) => /^(Via|From|Call-ID|CSeq|To):/.test(line));
    const tagged = head.map((line) => (line.startsWith("To:") && !line.includes("tag=") ? `${line};tag=c` : line));
    const body = text.startsWith("INVITE") ? sdpOf(CARRIER) : "";
    carrier.send(
      message("SIP/2.0 200 OK", [...tagged, `Contact: <sip:${CARRIER}:5060>`], body),
      from.port,
      from.address,
    );
  });
  const send = (method: string, id: string, to: string, uri: string, sequence: number, body = ""): void => {
    const lines = [
      `Via: SIP/2.0/UDP ${CALLER}:5060;branch=z9hG4bK${id}-${method === "ACK" ? `a${sequence}` : method};rport`,
      "Max-Forwards: 70",
      `From: <sip:+15550100200@caller.test>;tag=${id}`,
      `To: ${to}`,
      `Call-ID: ${id}`,
      `CSeq: ${sequence} ${method}`,
      `Contact: <sip:${CALLER}:5060>`,
    ];
    caller.send(message(`${method} ${uri} SIP/2.0`, lines, body), 5060, GATEWAY);
  };
  caller.on("message", (bytes) => {
    const text = bytes.toString();
    const [status = "", cseq = ""] = [/^SIP\/2.0 (\d+)/.exec(text)?.[1], /^CSeq: *(.*)$/im.exec(text)?.[1]?.trim()];
    const id = header(text, "Call-ID");
    if (cseq === "2 BYE") finish("served");
    else if (cseq === "1 INVITE" && status >= "200") {
      const contact =
        status === "200" ? header(text, "Contact").replace(/^<|>.*$/g, "") : `sip:+15550200300@office.pstn.${BASE}`;
      send("ACK", id, header(text, "To"), contact, 1);
      if (status !== "200") finish(status);
      else if (hangUp) send("BYE", id, header(text, "To"), contact, 2);
      else finish("up");
    }
  });
  await Promise.all([
    new Promise<void>((bound) => caller.bind(5060, CALLER, bound)),
    new Promise<void>((bound) => carrier.bind(5060, CARRIER, bound)),
  ]);
  process.on("message", (batch: Batch) => {
    counts = {};
    open = batch.count;
    hangUp = batch.hangUp;
    done = () => process.send!(counts);
    const startMs = performance.now();
    let sent = 0;
    const timer = setInterval(() => {
      while (sent < batch.count && sent < ((performance.now() - startMs) * batch.perSecond) / 1000) {
        sent++;
        const uri = `sip:+15550200300@office.pstn.${BASE}`;
        send("INVITE", `s${++last}`, `<${uri}>`, uri, 1, sdpOf(CALLER));
      }
      if (sent === batch.count) clearInterval(timer);
    }, 2);
  });
  process.send!({});
}

async function measure(): Promise<void> {
  const served = Number(process.argv[2] ?? 1000);
  const child = fork(import.meta.filename, ["peers"]);
  const next = (): Promise<Counts> =>
    new Promise((resolve) => child.once("message", (counts) => resolve(counts as Counts)));
  await next();
  /** Of one second in which nothing is asked: timers, and the media of the call that is up. */
  const idle = async (): Promise<number> => {
    const before = cpuMs();
    await new Promise((done) => setTimeout(done, IDLE_SECONDS * 1000));
    return (cpuMs() - before) / IDLE_SECONDS;
  };
  const run = async (batch: Batch, idleMs = 0): Promise<{ counts: Counts; cpuMsEach: number }> => {
    const before = cpuMs();
    const startMs = performance.now();
    const counts = next();
    child.send(batch);
    const counted = await counts;
    const seconds = (performance.now() - startMs) / 1000;
    return { counts: counted, cpuMsEach: (cpuMs() - before - idleMs * seconds) / batch.count };
  };
  const objects = `
ipAccessControlLists: [{ name: peers, addresses: [${CALLER}] }]
connectionPolicies: [{ name: carrier, targets: [{ name: carrier, url: "sip:${CARRIER}:5060" }] }]
byocTrunks: [{ name: carrier, connectionPolicy: carrier, defaultCarrier: true }]
trunks: [{ name: office, domain: office, ipAccessControlLists: [peers], callerIdPolicy: any }]
`;
  // One call stays up in both, so that the media worker has the same to do.
  const gateway = await startGateway(GATEWAY, objects, {});
  await run({ count: 200, perSecond: RATE_PER_SECOND, hangUp: true });
  await run({ count: 1, perSecond: 1000, hangUp: false });
  const serving = await run({ count: served, perSecond: RATE_PER_SECOND, hangUp: true }, await idle());
  await gateway.stop();
  const full = await startGateway(GATEWAY, objects, { media: "  maxCalls: 2" });
  await run({ count: 1, perSecond: 1000, hangUp: false });
  await run({ count: 500, perSecond: 5 * RATE_PER_SECOND, hangUp: true });
  const shedding = await run({ count: 5 * served, perSecond: 5 * RATE_PER_SECOND, hangUp: true }, await idle());
  await full.stop();
  child.disconnect();
  const share = shedding.cpuMsEach / serving.cpuMsEach;
  console.log(
    JSON.stringify({
      served: serving.counts,
      refused: shedding.counts,
      servingMs: serving.cpuMsEach,
      refusingMs: shedding.cpuMsEach,
      share,
    }),
  );
  const isRight = serving.counts["served"] === served && shedding.counts["503"] === 5 * served;
  process.exitCode = isRight ? 0 : 1;
}

await (process.argv[2] === "peers" ? peers() : measure());
