/** Where a leg's media go and from whom they are taken (R-MEDIA-1 to R-MEDIA-5, RTP-SES-7, RTP-SES-8, SDP-11, SDP-16), on the wire. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { parseSession } from "../../src/sdp/session.ts";
import type { SipMessage } from "../../src/sip/message.ts";
import { CALLER, CARRIER, type CallRig, GATEWAY, sdp, startCallRig, type WireCall } from "../support/call-rig.ts";
import { BASE, until } from "../support/gateway.ts";
import { MediaSocket } from "../support/media-socket.ts";
import { ownAddress, reached } from "../support/sip-wire.ts";

const STRANGER = ownAddress(3);
let rig: CallRig;
const sockets: MediaSocket[] = [];

beforeAll(async () => {
  rig = await startCallRig({
    // How long this takes is the machine's affair.
    media: "  rtpTimeoutSeconds: 0",
    objects: `  - { name: nat, domain: nat, symmetricRtp: true, ipAccessControlLists: [peers], callerIdPolicy: any }`,
  });
});
afterAll(() => rig.stop());
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

const open = async (address: string): Promise<MediaSocket> => {
  const socket = await MediaSocket.open(address);
  sockets.push(socket);
  return socket;
};

const portOf = (message: SipMessage): number => parseSession(new TextDecoder().decode(message.body)).media[0]!.port;

interface Up {
  readonly call: WireCall;
  /** The carrier's media, and where the gateway takes them. */
  readonly far: MediaSocket;
  readonly farPort: number;
  /** Where the gateway takes the caller's. */
  readonly nearPort: number;
}

async function together(offer: string, domain: string): Promise<Up> {
  const far = await open(CARRIER);
  const call = await rig.caller.invite({ sdp: offer, domain: `${domain}.pstn.${BASE}` });
  const invite = await rig.carrier.request("INVITE");
  await rig.carrier.answer(invite, 200, { sdp: sdp(CARRIER, { port: far.port }) });
  const answer = await call.final();
  expect(answer.status).toBe(200);
  await rig.carrier.request("ACK");
  return { call, far, farPort: portOf(invite), nearPort: portOf(answer) };
}

async function end(call: WireCall): Promise<void> {
  await call.request("BYE");
  await rig.caller.final("BYE");
  await rig.carrier.answer(await rig.carrier.request("BYE"), 200);
  await until(() => rig.gateway.gateway.calls.liveCount === 0, "the end of the call");
}

/** The carrier speaks until so many more packets came to one of the caller's sockets. */
async function speakUntil({ far, farPort }: Up, heard: MediaSocket, more: number, also: () => void = () => undefined) {
  const count = heard.received.length + more;
  let sentMs = 0;
  await reached(() => {
    if (performance.now() - sentMs > 10) {
      far.sendAudio(GATEWAY, farPort);
      also();
      sentMs = performance.now();
    }
    return heard.received.length >= count;
  }, `${more} packets at ${heard.address}:${heard.port}`);
}

describe("symmetric RTP off", () => {
  it("R-MEDIA-1: media go where SDP says, whatever comes from elsewhere, and only what comes from there is heard", async () => {
    const [named, other, stranger] = await Promise.all([open(CALLER), open(CALLER), open(STRANGER)]);
    const up = await together(sdp(CALLER, { port: named.port }), "office");
    other.ssrc = 0x7000_0002;
    await speakUntil(up, named, 10, () => {
      other.sendAudio(GATEWAY, up.nearPort);
      stranger.sendAudio(GATEWAY, up.nearPort);
    });
    expect(other.received).toEqual([]);
    expect(stranger.received).toEqual([]);
    expect(up.far.payloads(0).filter((payload) => payload[0] === 0x35)).toEqual([]);
    named.sendAudio(GATEWAY, up.nearPort);
    let sentMs = 0;
    await reached(() => {
      if (performance.now() - sentMs > 10) {
        named.sendAudio(GATEWAY, up.nearPort);
        sentMs = performance.now();
      }
      return up.far.payloads(0).some((payload) => payload[0] === 0x35);
    }, "what the named port says");
    await end(up.call);
  });

  it("SDP-11, SDP-16, R-MEDIA-4: a new port and a=rtcp of theirs hold from the answer on", async () => {
    const [first, second, rtcp] = await Promise.all([open(CALLER), open(CALLER), open(CALLER)]);
    const up = await together(sdp(CALLER, { port: first.port }), "office");
    await speakUntil(up, first, 5);
    expect(first.received[0]!.fromAddress).toBe(GATEWAY);
    expect(first.received[0]!.fromPort).toBe(up.nearPort);
    await up.call.request(
      "INVITE",
      ["Content-Type: application/sdp"],
      sdp(CALLER, { port: second.port, version: 2, lines: [`a=rtcp:${rtcp.port}`] }),
    );
    expect((await up.call.final()).status).toBe(200);
    await speakUntil(up, second, 1);
    const left = first.received.length;
    await speakUntil(up, second, 10);
    expect(first.received.length).toBe(left);
    await speakUntil(up, rtcp, 1);
    expect(rtcp.received[0]!.fromPort).toBe(up.nearPort + 1);
    await end(up.call);
  }, 60_000);
});

describe("symmetric RTP on", () => {
  it("R-MEDIA-2, R-MEDIA-3, R-MEDIA-4, RTP-SES-7: media follow the source of two packets; nobody moves them after that, until SDP names another place", async () => {
    const [[behindNat, itsRtcp], stranger, moved] = await Promise.all([
      MediaSocket.openPair(CALLER),
      open(STRANGER),
      open(CALLER),
    ]);
    sockets.push(behindNat, itsRtcp);
    // The address of SDP is one that nothing reaches.
    const up = await together(sdp("10.255.255.1", { port: 40_000 }), "nat");
    behindNat.sendAudio(GATEWAY, up.nearPort);
    behindNat.sendAudio(GATEWAY, up.nearPort);
    await speakUntil(up, behindNat, 5, () => behindNat.sendAudio(GATEWAY, up.nearPort));
    stranger.ssrc = 0x7000_0003;
    await speakUntil(up, behindNat, 20, () => {
      behindNat.sendAudio(GATEWAY, up.nearPort);
      stranger.sendAudio(GATEWAY, up.nearPort);
    });
    expect(stranger.received).toEqual([]);
    // RTCP of theirs shows where theirs is taken.
    const report = Buffer.from("80c90001" + "70000001" + "81ca0003" + "70000001" + "010161" + "0000000000", "hex");
    itsRtcp.send(report, GATEWAY, up.nearPort + 1);
    await speakUntil(up, itsRtcp, 1, () => {
      behindNat.sendAudio(GATEWAY, up.nearPort);
      itsRtcp.send(report, GATEWAY, up.nearPort + 1);
    });
    await up.call.request(
      "INVITE",
      ["Content-Type: application/sdp"],
      sdp("10.255.255.1", { port: 40_002, version: 2 }),
    );
    expect((await up.call.final()).status).toBe(200);
    moved.ssrc = 0x7000_0004;
    await speakUntil(up, moved, 5, () => moved.sendAudio(GATEWAY, up.nearPort));
    await end(up.call);
  }, 60_000);
});

describe("a far end that has gone", () => {
  it("RTP-SES-8, SIP-TMR-7: no RTP and no RTCP for the time allowed: BYE on both sides", async () => {
    await rig.stop();
    rig = await startCallRig({ media: "  rtpTimeoutSeconds: 1" });
    const call = await rig.caller.invite();
    await rig.carrier.answer(await rig.carrier.request("INVITE"), 200, { sdp: sdp(CARRIER) });
    expect((await call.final()).status).toBe(200);
    for (const party of [rig.caller, rig.carrier]) await party.answer(await party.request("BYE"), 200);
    await until(() => rig.gateway.gateway.calls.liveCount === 0, "the end of the call");
    const stories = [...rig.gateway.gateway.calls.ended()].slice(-2).flatMap(({ decisions }) => decisions.entries);
    expect(stories.map(({ text }) => text)).toContain("no media came for the time allowed (RTP-SES-8)");
  });
});
