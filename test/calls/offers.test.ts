/** Offers and answers of calls that are up or coming up (SDP-3, SDP-9 to SDP-21, SIP-INV-8, SDP-SEC-6), on the wire of a gateway. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseSession } from "../../src/sdp/session.ts";
import type { SipMessage, SipResponse } from "../../src/sip/message.ts";
import { CALLER, CARRIER, type CallRig, GATEWAY, sdp, startCallRig, type WireCall } from "../support/call-rig.ts";
import { until } from "../support/gateway.ts";
import { MediaSocket } from "../support/media-socket.ts";
import { reached } from "../support/sip-wire.ts";

const KEY = "1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";
const OTHER_KEY = "1 AES_CM_128_HMAC_SHA1_80 inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj";
let rig: CallRig;

beforeAll(async () => {
  rig = await startCallRig({ top: "srtp: { optional: true }" });
});
afterAll(() => rig.stop());

const textOf = ({ body }: SipMessage): string => new TextDecoder().decode(body);
const lineOf = (message: SipMessage, letter: string): string | undefined =>
  textOf(message)
    .split("\r\n")
    .find((line) => line.startsWith(`${letter}=`));
const linesOf = (message: SipMessage, letter: string): string[] =>
  textOf(message)
    .split("\r\n")
    .filter((line) => line.startsWith(`${letter}=`));
const directionOf = (message: SipMessage): string | undefined =>
  linesOf(message, "a")
    .find((line) => /^a=(sendrecv|sendonly|recvonly|inactive)$/.test(line))
    ?.slice(2);
const versionOf = (message: SipMessage): number => Number(lineOf(message, "o")!.split(" ")[2]);
const keyOf = (message: SipMessage): string | undefined =>
  linesOf(message, "a").find((line) => line.startsWith("a=crypto:"));

/** A call that both have answered. */
async function together(offer = sdp(CALLER), answer = sdp(CARRIER)): Promise<{ call: WireCall; answer: SipResponse }> {
  const call = await rig.caller.invite({ sdp: offer });
  await rig.carrier.answer(await rig.carrier.request("INVITE"), 200, { sdp: answer });
  const response = await call.final();
  expect(response.status).toBe(200);
  await rig.carrier.request("ACK");
  return { call, answer: response };
}

async function reoffer(call: WireCall, body: string): Promise<SipResponse> {
  await call.request("INVITE", ["Content-Type: application/sdp"], body);
  return call.final();
}

async function end(call: WireCall): Promise<void> {
  await call.request("BYE");
  await rig.caller.final("BYE");
  await rig.carrier.answer(await rig.carrier.request("BYE"), 200);
  await until(() => rig.gateway.gateway.calls.liveCount === 0, "the end of the call");
}

describe("hold", () => {
  it("SDP-9: every form of it is answered and stays on its side; the other hears silence without a gap, RTCP goes on", async () => {
    const far = await MediaSocket.open(CARRIER);
    const [near, nearRtcp] = await MediaSocket.openPair(CALLER);
    const offer = (lines: readonly string[] = [], version = 1, address = CALLER): string =>
      sdp(CALLER, { port: near.port, version, lines }).replace(`c=IN IP4 ${CALLER}`, `c=IN IP4 ${address}`);
    const { call, answer } = await together(offer(), sdp(CARRIER, { port: far.port }));
    expect(directionOf(answer)).toBe("sendrecv");
    const invite = rig.carrier.received.find((m) => m.kind === "request" && m.method === "INVITE")!;
    const farPort = parseSession(textOf(invite)).media[0]!.port;
    const before = rig.carrier.names.length;
    const forms: [string, string][] = [
      [offer(["a=sendonly"], 2), "recvonly"],
      [offer(["a=inactive"], 3), "inactive"],
      // RFC 2543: they take nothing, and may still be heard.
      [offer([], 4, "0.0.0.0"), "recvonly"],
      [offer(["a=recvonly"], 5), "sendonly"],
    ];
    for (const [body, direction] of forms) expect(directionOf(await reoffer(call, body)), body).toBe(direction);
    expect(directionOf(await reoffer(call, offer(["a=inactive"], 6)))).toBe("inactive");
    const sent = near.received.length;
    const heard = far.received.length;
    await reached(() => far.received.length > heard + 25, "half a second of silence for the other side");
    expect(new Set(far.payloads(0).at(-1))).toEqual(new Set([0xff]));
    const numbers = far.received.slice(heard).map(({ bytes }) => bytes.readUInt16BE(2));
    expect(numbers.every((number, i) => i === 0 || number === ((numbers[i - 1]! + 1) & 0xffff))).toBe(true);
    // What was under way may still come; a side that wants nothing gets nothing.
    expect(near.received.length - sent).toBeLessThan(3);
    await reached(() => nearRtcp.received.length > 0, "RTCP on the held side");
    expect(directionOf(await reoffer(call, offer([], 7)))).toBe("sendrecv");
    let sentMs = 0;
    await reached(() => {
      if (performance.now() - sentMs > 10) {
        far.sendAudio(GATEWAY, farPort);
        sentMs = performance.now();
      }
      return near.payloads(0).some((payload) => payload[0] === 0x35);
    }, "audio after the hold");
    expect(rig.carrier.names.slice(before)).toEqual([]);
    const story = [...rig.gateway.gateway.calls.live()].flatMap(({ decisions }) =>
      decisions.entries.map(({ text }) => text),
    );
    expect(story.some((text) => text.includes("put the call on hold"))).toBe(true);
    await end(call);
    for (const socket of [near, nearRtcp, far]) socket.close();
  }, 60_000);
});

describe("names for addresses", () => {
  it("SDP-15: a host name in c= of an offer, an answer and a re-offer is looked up, and the media go there", async () => {
    // Of the hosts file.
    const [near, far] = await Promise.all([MediaSocket.open("127.0.0.1"), MediaSocket.open("127.0.0.1")]);
    const named = (address: string, port: number, version = 1): string =>
      sdp(address, { port, version }).replace(`c=IN IP4 ${address}`, "c=IN IP4 localhost");
    const { call, answer } = await together(named(CALLER, near.port), named(CARRIER, far.port));
    const invite = rig.carrier.received.findLast((m) => m.kind === "request" && m.method === "INVITE")!;
    const portOf = (message: SipMessage): number => parseSession(textOf(message)).media[0]!.port;
    const speakUntil = async (from: MediaSocket, port: number, to: MediaSocket): Promise<void> => {
      const before = to.received.length;
      let sentMs = 0;
      await reached(() => {
        if (performance.now() - sentMs > 10) {
          from.sendAudio(GATEWAY, port);
          sentMs = performance.now();
        }
        return to.received.length > before + 5;
      }, `audio at ${to.port}`);
    };
    await speakUntil(near, portOf(answer), far);
    await speakUntil(far, portOf(invite), near);
    const moved = await MediaSocket.open("127.0.0.1");
    expect((await reoffer(call, named(CALLER, moved.port, 2))).status).toBe(200);
    await speakUntil(far, portOf(invite), moved);
    await end(call);
    for (const socket of [near, far, moved]) socket.close();
  }, 60_000);
});

describe("later offers", () => {
  it("SDP-10: the same offer gets the same answer, octet by octet; a change counts the version up by one", async () => {
    const { call, answer } = await together();
    const again = await reoffer(call, sdp(CALLER));
    expect(textOf(again)).toBe(textOf(answer));
    const held = await reoffer(call, sdp(CALLER, { version: 2, lines: ["a=inactive"] }));
    expect(versionOf(held)).toBe(versionOf(answer) + 1);
    expect(lineOf(held, "o")!.split(" ")[1]).toBe(lineOf(answer, "o")!.split(" ")[1]);
    await end(call);
  });

  it.each([
    [
      "SDP-19: T.38 in the place of audio",
      sdp(CALLER, { version: 2 }).replace(/m=audio.*/s, "m=image 40002 udptl t38\r\n"),
      488,
    ],
    ["SDP-5: no codec that we have", sdp(CALLER, { version: 2, formats: "9 18", lines: [] }), 488],
    ["SDP-13: DTLS-SRTP", sdp(CALLER, { version: 2, profile: "UDP/TLS/RTP/SAVP" }), 488],
    ["SDP-15: multicast", sdp(CALLER, { version: 2 }).replace(`c=IN IP4 ${CALLER}`, "c=IN IP4 224.2.1.1/127"), 488],
    [
      "SDP-15: a name in c= that nobody knows",
      sdp(CALLER, { version: 2 }).replace(`c=IN IP4 ${CALLER}`, "c=IN IP4 media.test"),
      488,
    ],
    ["SDP-1: no o= line", sdp(CALLER).replace(/o=.*\r\n/, ""), 400],
  ])("SIP-INV-8, %s: refused with Warning, the session goes on", async (_name, body, status) => {
    const { call, answer } = await together();
    const refused = await reoffer(call, body);
    expect(refused.status).toBe(status);
    expect(refused.headers.get("Warning")).toMatch(/^\d{3} \S+ ".+"$/);
    expect(textOf(await reoffer(call, sdp(CALLER)))).toBe(textOf(answer));
    await end(call);
  });

  it("SDP-12: a second stream is answered with port 0 and may not be taken away again", async () => {
    const { call } = await together();
    const two = `${sdp(CALLER, { version: 2 })}m=image 40002 udptl t38\r\n`;
    const answer = parseSession(textOf(await reoffer(call, two)));
    expect(answer.media.map(({ kind, port }) => [kind, port > 0])).toEqual([
      ["audio", true],
      ["image", false],
    ]);
    expect((await reoffer(call, sdp(CALLER, { version: 3 }))).status).toBe(488);
    await end(call);
  });

  it("SDP-13, SDP-SEC-2, SDP-SEC-6, SDP-SEC-7: the same key line keeps our key through a hold, a new one gets a new one", async () => {
    const secure = (key: string, version: number, lines: string[] = []) =>
      sdp(CALLER, { version, profile: "RTP/SAVPF", lines: [`a=crypto:${key}`, ...lines] });
    const { call, answer } = await together(secure(KEY, 1));
    expect(textOf(answer)).toMatch(/m=audio \d+ RTP\/SAVPF 0/);
    const ours = keyOf(answer)!;
    expect(ours).toMatch(/^a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:[A-Za-z0-9+/]{40}$/);
    expect(keyOf(await reoffer(call, secure(KEY, 2, ["a=inactive"])))).toBe(ours);
    expect(keyOf(await reoffer(call, secure(KEY, 3)))).toBe(ours);
    const rekeyed = keyOf(await reoffer(call, secure(OTHER_KEY, 4)));
    expect(rekeyed).not.toBe(ours);
    expect(rekeyed).not.toContain(OTHER_KEY);
    expect((await reoffer(call, sdp(CALLER, { version: 5, profile: "RTP/SAVP", lines: [] }))).status).toBe(488);
    await end(call);
    // R-SEC-11: keys are in no log and no story.
    const told =
      rig.gateway.log.lines.join("\n") +
      JSON.stringify([...rig.gateway.gateway.calls.ended()].map(({ decisions }) => decisions.entries));
    for (const key of [KEY, OTHER_KEY, ours]) expect(told).not.toContain(key.split("inline:")[1]);
  });

  it("SRTP-6: packets that nobody can authenticate for 5 s raise one alert, and the call goes on", async () => {
    const socket = await MediaSocket.open(CALLER);
    const offer = sdp(CALLER, { port: socket.port, profile: "RTP/SAVP", lines: [`a=crypto:${KEY}`] });
    const { call, answer } = await together(offer);
    const port = Number(linesOf(answer, "m")[0]!.split(" ")[1]);
    const alerts = () => rig.gateway.gateway.alerts.all().filter(({ code }) => code === 32014);
    let sentMs = 0;
    await reached(() => {
      if (performance.now() - sentMs > 20) {
        socket.sendAudio(GATEWAY, port);
        sentMs = performance.now();
      }
      return alerts().length > 0;
    }, "the alert");
    for (let packet = 0; packet < 10; packet++) socket.sendAudio(GATEWAY, port);
    expect((await reoffer(call, offer.replace("77 1", "77 2"))).status).toBe(200);
    expect(alerts()).toMatchObject([{ level: "warning", text: expect.stringContaining("another key") }]);
    expect(rig.gateway.gateway.calls.bySid(alerts()[0]!.callSid)?.ended).toBe(false);
    await end(call);
    socket.close();
  }, 60_000);

  it("SDP-SEC-3: a key that has no packets left ends the call", async () => {
    await together(sdp(CALLER, { profile: "RTP/SAVP", lines: [`a=crypto:${KEY}|100`] }));
    for (const party of [rig.caller, rig.carrier]) await party.answer(await party.request("BYE"), 200);
    await until(() => rig.gateway.gateway.calls.liveCount === 0, "the end of the call");
    const [ended] = [...rig.gateway.gateway.calls.ended()].slice(-2);
    expect(ended!.decisions.entries.map(({ fields }) => fields["code"])).toContain("srtp.lifetime");
  });

  it("SDP-13, SDP-4: of AVP and SAVP lines the plain one is taken on a trunk that is not secure and the other where that is allowed", async () => {
    const both = `${sdp(CALLER)}m=audio 40010 RTP/SAVP 0\r\na=crypto:${KEY}\r\n`;
    const { call, answer } = await together(both);
    expect(
      linesOf(answer, "m").map((line) =>
        line
          .split(" ")
          .slice(1, 3)
          .map((word) => word === "0" || word),
      ),
    ).toEqual([
      [true, "RTP/AVP"],
      [expect.any(String), "RTP/SAVP"],
    ]);
    await end(call);
  });

  it("SDP-16: rtcp-mux is taken when offered, and offered by nobody here", async () => {
    const { call, answer } = await together(sdp(CALLER, { lines: ["a=rtcp-mux"] }));
    expect(linesOf(answer, "a")).toContain("a=rtcp-mux");
    await end(call);
    const invite = rig.carrier.received.findLast((m) => m.kind === "request" && m.method === "INVITE")!;
    expect(linesOf(invite, "a")).not.toContain("a=rtcp-mux");
  });
});

describe("delayed offers", () => {
  it("SDP-3: our offer is in the 200, their answer in the ACK", async () => {
    const call = await rig.caller.invite({ sdp: "" });
    await rig.carrier.answer(await rig.carrier.request("INVITE"), 200, { sdp: sdp(CARRIER) });
    const offer = await call.final(sdp(CALLER));
    expect(offer.status).toBe(200);
    expect(textOf(offer)).toMatch(/m=audio \d+ RTP\/AVP 0 8 101/);
    await rig.carrier.request("ACK");
    await end(call);
  });

  it.each([
    ["no answer", ""],
    ["an answer of another codec", sdp(CALLER, { formats: "18", lines: [] })],
  ])("SDP-3: %s in the ACK ends the call with BYE on both sides", async (_name, answer) => {
    const call = await rig.caller.invite({ sdp: "" });
    await rig.carrier.answer(await rig.carrier.request("INVITE"), 200, { sdp: sdp(CARRIER) });
    await call.final(answer);
    for (const party of [rig.caller, rig.carrier]) await party.answer(await party.request("BYE"), 200);
    await until(() => rig.gateway.gateway.calls.liveCount === 0, "the end of the call");
    await rig.carrier.request("ACK");
  });

  it("SDP-3: a re-INVITE without SDP gets the session's description", async () => {
    const { call, answer } = await together();
    await call.request("INVITE");
    const offer = await call.final(sdp(CALLER));
    expect(parseSession(textOf(offer)).media[0]!.port).toBe(parseSession(textOf(answer)).media[0]!.port);
    await end(call);
  });
});

describe("answers that break the offer", () => {
  it.each([
    ["a codec that was not offered", sdp(CARRIER, { formats: "18", lines: [] })],
    ["more streams", `${sdp(CARRIER)}m=video 4000 RTP/AVP 96\r\n`],
    ["another profile", sdp(CARRIER, { profile: "RTP/SAVP", lines: [`a=crypto:${KEY}`] })],
    ["no stream", sdp(CARRIER, { port: 0 })],
    ["none at all", ""],
  ])("SDP-21: %s: ACK, then BYE with the reason; the caller gets 488", async (_name, answer) => {
    const call = await rig.caller.invite();
    await rig.carrier.answer(await rig.carrier.request("INVITE"), 200, { sdp: answer });
    await rig.carrier.request("ACK");
    const bye = await rig.carrier.request("BYE");
    expect(bye.headers.get("Reason")).toBe('SIP;cause=488;text="Not Acceptable Here"');
    await rig.carrier.answer(bye, 200);
    expect((await call.final()).status).toBe(488);
    expect(rig.gateway.gateway.status().ready).toBe(true);
  });
});
