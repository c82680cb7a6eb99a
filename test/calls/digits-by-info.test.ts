/** Keys by SIP INFO, in and out (DTMF-7, DTMF-5, DTMF-6, SIP-INV-11, RFC 6086), on the wire of a whole gateway. */
import { afterEach, describe, expect, it } from "vitest";
import { parseSession } from "../../src/sdp/session.ts";
import type { SipMessage } from "../../src/sip/message.ts";
import { type CallRig, GATEWAY, sdp, startCallRig, type WireCall } from "../support/call-rig.ts";
import { BASE } from "../support/gateway.ts";
import { MediaSocket } from "../support/media-socket.ts";
import { lines, reached } from "../support/sip-wire.ts";

const NO_EVENTS = { formats: "0", lines: [] };
let rig: CallRig;
let near: MediaSocket;
let far: MediaSocket;

afterEach(async () => {
  await rig.stop();
  near.close();
  far.close();
});

/** RTP port of the gateway in a description. */
const portOf = (message: SipMessage): number => parseSession(new TextDecoder().decode(message.body)).media[0]!.port;

/** The caller speaks, a packet every 10 ms at most: more would fill the socket's buffer, and keys behind them were lost. */
async function speakUntil(nearPort: number, isHeard: () => boolean): Promise<void> {
  let sentMs = 0;
  await reached(() => {
    if (performance.now() - sentMs > 10) {
      near.sendAudio(GATEWAY, nearPort);
      sentMs = performance.now();
    }
    return isHeard();
  }, "the caller's audio");
}

async function together(
  changes: Parameters<typeof startCallRig>[0],
  farSdp: Parameters<typeof sdp>[1] = {},
  nearSdp: Parameters<typeof sdp>[1] = {},
) {
  rig = await startCallRig(changes);
  [near, far] = await Promise.all([MediaSocket.open(rig.caller.address), MediaSocket.open(rig.carrier.address)]);
  const call = await rig.caller.invite({ sdp: sdp(rig.caller.address, { port: near.port, ...nearSdp }) });
  const invite = await rig.carrier.request("INVITE");
  await rig.carrier.answer(invite, 200, { sdp: sdp(rig.carrier.address, { port: far.port, ...farSdp }) });
  const answer = await call.final();
  await rig.carrier.request("ACK");
  // The caller's own audio at the carrier shows that both legs are joined; silence comes before that as well.
  const nearPort = portOf(answer);
  await speakUntil(nearPort, () => far.payloads(0).some((payload) => payload[0] === 0x35));
  return { call, invite, nearPort, farPort: portOf(invite) };
}

async function info(call: WireCall, body: string, type = "application/dtmf-relay"): Promise<number> {
  await call.request("INFO", [`Content-Type: ${type}`], body);
  return (await rig.caller.final("INFO")).status;
}

/** Events that came, by number, each once. */
const events = (socket: MediaSocket): number[] =>
  socket
    .payloads(101)
    .flatMap((payload, index, all) => (index === 0 || all[index - 1]![0] !== payload[0] ? [payload[0]!] : []));

describe("keys that come by INFO", () => {
  it("DTMF-7, SIP-INV-11: become RFC 4733 on the other leg; flash and empty bodies are taken, other bodies get 415", async () => {
    const { call } = await together({});
    expect(await info(call, "Signal=5\r\nDuration=160\r\n")).toBe(200);
    expect(await info(call, "Signal= #\r\nDuration=100\r\n")).toBe(200);
    expect(await info(call, "b", "application/dtmf")).toBe(200);
    // A star by its number, as some send it.
    expect(await info(call, "Signal=10\r\n")).toBe(200);
    expect(await info(call, "Signal=hf\r\n")).toBe(200);
    expect(await info(call, "")).toBe(200);
    expect(await info(call, "Signal=55\r\n")).toBe(415);
    expect(await info(call, "<media_control/>", "application/media_control+xml")).toBe(415);
    await reached(() => events(far).length === 4, "four events");
    expect(events(far)).toEqual([5, 11, 13, 10]);
    // DTMF-2: each ends with three packets that say so.
    await reached(
      () => far.payloads(101).filter(([event, end]) => event === 10 && end! & 0x80).length === 3,
      "its end",
    );
    expect(far.payloads(101).filter(([event, end]) => event === 5 && end! & 0x80).length).toBe(3);
    await call.bye();
  });

  it("SIP-INV-11: 481 outside a dialog", async () => {
    await together({});
    await rig.caller.send(
      lines([
        `INFO sip:+15550200300@office.pstn.${BASE} SIP/2.0`,
        `Via: SIP/2.0/UDP ${rig.caller.address}:5060;branch=z9hG4bKinfo-alone;rport`,
        "From: <sip:+15550100200@caller.test>;tag=a",
        `To: <sip:+15550200300@office.pstn.${BASE}>`,
        "Call-ID: info-alone",
        "CSeq: 1 INFO",
      ]),
    );
    expect((await rig.caller.final("INFO")).status).toBe(481);
  });
});

describe("keys that go out by INFO", () => {
  const byoc = (mode: string) => ({ byoc: `, infoDigits: ${mode}` });

  it("DTMF-7: always: every key in its own INFO, in order, and none in the media", async () => {
    const { call, nearPort } = await together(byoc("always"));
    near.sendEvent(GATEWAY, nearPort, 3);
    near.sendEvent(GATEWAY, nearPort, 11);
    const first = await rig.carrier.request("INFO");
    expect(first.headers.get("Content-Type")).toBe("application/dtmf-relay");
    expect(new TextDecoder().decode(first.body)).toBe("Signal=3\r\nDuration=100\r\n");
    // The second waits for the answer to the first, and a refusal ends nothing.
    await rig.carrier.answer(first, 415);
    const second = await rig.carrier.request("INFO");
    expect(new TextDecoder().decode(second.body)).toBe("Signal=#\r\nDuration=100\r\n");
    await rig.carrier.answer(second, 200);
    // Media that came behind the keys is there, the keys are not.
    const before = far.received.length;
    await speakUntil(nearPort, () => far.received.length > before + 5);
    expect(far.payloads(101)).toEqual([]);
    // INFO in, INFO out.
    expect(await info(call, "Signal=7\r\n")).toBe(200);
    const third = await rig.carrier.request("INFO");
    expect(new TextDecoder().decode(third.body)).toBe("Signal=7\r\nDuration=100\r\n");
    await rig.carrier.answer(third, 200);
    await call.bye();
  });

  it("DTMF-7: without-events: by INFO to a far end that took no telephone-event, whose audio has no tones", async () => {
    const { nearPort } = await together(byoc("without-events"), NO_EVENTS);
    near.sendEvent(GATEWAY, nearPort, 9);
    const request = await rig.carrier.request("INFO");
    expect(new TextDecoder().decode(request.body)).toBe("Signal=9\r\nDuration=100\r\n");
    await rig.carrier.answer(request, 200);
    // The caller's one octet, and silence before: a tone has many.
    for (const payload of far.payloads(0)) expect(new Set(payload).size).toBe(1);
  });

  it("DTMF-7: without-events: in the media to a far end that took telephone-event", async () => {
    const { nearPort } = await together(byoc("without-events"));
    near.sendEvent(GATEWAY, nearPort, 9);
    await reached(() => far.payloads(101).length >= 7, "the event");
    expect(rig.carrier.names).not.toContain("INFO");
  });

  it("DTMF-5, DTMF-7: off: tones in the audio for a far end without telephone-event, no INFO", async () => {
    const { nearPort } = await together({}, NO_EVENTS);
    near.sendEvent(GATEWAY, nearPort, 9);
    await reached(() => far.payloads(0).some((payload) => new Set(payload).size > 20), "a tone");
    expect(rig.carrier.names).not.toContain("INFO");
  });

  it("DTMF-7: towards the customer its trunk says so", async () => {
    const { call, invite, farPort } = await together({ trunk: "infoDigits: always" });
    far.sendEvent(GATEWAY, farPort, 1);
    const request = await rig.caller.request("INFO");
    expect(new TextDecoder().decode(request.body)).toBe("Signal=1\r\nDuration=100\r\n");
    await rig.caller.answer(request, 200);
    // The carrier's own keys by INFO go the same way.
    await rig.carrier.inDialog(invite, "INFO", ["Content-Type: application/dtmf"], "2");
    const second = await rig.caller.request("INFO");
    expect(new TextDecoder().decode(second.body)).toBe("Signal=2\r\nDuration=100\r\n");
    await rig.caller.answer(second, 200);
    await call.bye();
  });
});
