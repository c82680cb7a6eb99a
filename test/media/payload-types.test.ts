/** An answer may renumber formats (RFC 3264 5.1): what we send under one number comes to us under another. */
import { describe, expect, it } from "vitest";
import { LegNegotiation } from "../../src/calls/negotiation.ts";
import { type Datagram, Host, run } from "../support/media-pair.ts";

const remote = (address: string, port: number) => ({ remoteRtp: { address, port } });
const payloadTypes = (datagrams: readonly Datagram[], toPort: number) => [
  ...new Set(datagrams.filter((d) => d.toPort === toPort).map(({ bytes }) => bytes[1]! & 0x7f)),
];

/** The answer to our offer names PCMU 96 and PCMA 97; our offer named them 0 and 8. */
function renumbered() {
  const negotiation = new LegNegotiation(
    { security: "none", sourcePolicy: "negotiated", mediaTimeoutMs: 0, bindAddress: "127.0.0.2" },
    { address: "127.0.0.2", rtpPort: 2000, rtcpPort: 2001 },
  );
  negotiation.makeOffer();
  return negotiation.acceptAnswer(
    [
      "v=0",
      "o=- 1 1 IN IP4 127.0.0.1",
      "s=-",
      "c=IN IP4 127.0.0.1",
      "t=0 0",
      "m=audio 1000 RTP/AVP 96 97",
      "a=rtpmap:96 PCMU/8000",
      "a=rtpmap:97 PCMA/8000",
      "",
    ].join("\r\n"),
  );
}

describe("SDP-6, RFC 3264 5.1: an answer that renumbers the codec", () => {
  it("becomes two numbers of the leg: theirs to send with, ours to receive", () => {
    expect(renumbered()).toMatchObject({
      codec: "PCMU",
      payloadType: 96,
      receivePayloadType: 0,
      alternatePayloadType: 8,
    });
  });

  it("relay road: what comes under our number is taken, what goes out has theirs", () => {
    const [caller, gateway, callee] = [new Host(), new Host(), new Host()];
    caller.open("127.0.0.1", 1000, {
      ...remote("127.0.0.2", 2000),
      codec: "PCMU",
      payloadType: 0,
      receivePayloadType: 96,
    });
    callee.open("127.0.0.3", 3000, remote("127.0.0.2", 4000));
    const left = gateway.open("127.0.0.2", 2000, renumbered());
    const right = gateway.open("127.0.0.2", 4000, remote("127.0.0.3", 3000));
    gateway.core.bridge(left, right, 0);
    const sent = run([caller, gateway, callee], 0, 500);
    expect(payloadTypes(sent, 2000)).toEqual([0]);
    expect(payloadTypes(sent, 1000)).toEqual([96]);
    expect(payloadTypes(sent, 3000)).toEqual([0]);
    expect(gateway.core.stats(left).drops["payload-type"]).toBe(0);
    expect(gateway.core.stats(left).packetsReceived).toBeGreaterThan(20);
  });

  it("playout road: it is heard in its law, and the other law under its own number too", () => {
    const [caller, gateway] = [new Host(), new Host()];
    const sender = caller.open("127.0.0.1", 1000, { ...remote("127.0.0.2", 2000), codec: "PCMU" });
    const leg = gateway.open("127.0.0.2", 2000, renumbered());
    const tap = gateway.core.openTap({ leg, tracks: ["inbound"] }, 0);
    const heard = (): Buffer => Buffer.concat((gateway.frames.get(tap) ?? []).map(({ bytes }) => bytes));
    const audio = Buffer.alloc(1600, 0x31);
    caller.core.playbackWrite(sender, audio);
    const sent = run([caller, gateway], 0, 400);
    expect(heard().includes(audio)).toBe(true);
    expect(payloadTypes(sent, 1000)).toEqual([96]);
    gateway.frames.clear();
    caller.core.configureLeg(sender, { codec: "PCMA" }, 400);
    caller.core.playbackWrite(sender, audio);
    const other = run([caller, gateway], 400, 800);
    expect(payloadTypes(other, 2000)).toEqual([8]);
    expect(heard().includes(Buffer.alloc(1500, 0x31))).toBe(true);
    expect(gateway.core.stats(leg).drops["payload-type"]).toBe(0);
  });

  it("RTP-4: the number that we only send with is not taken", () => {
    const [caller, gateway] = [new Host(), new Host()];
    caller.open("127.0.0.1", 1000, { ...remote("127.0.0.2", 2000), payloadType: 96 });
    const leg = gateway.open("127.0.0.2", 2000, renumbered());
    run([caller, gateway], 0, 200);
    const { packetsReceived, drops } = gateway.core.stats(leg);
    expect(packetsReceived).toBe(0);
    expect(drops["payload-type"]).toBeGreaterThan(5);
  });

  it("a change of codec forgets what was said of the one before; an update that says nothing keeps it", () => {
    const [caller, gateway] = [new Host(), new Host()];
    caller.open("127.0.0.1", 1000, { ...remote("127.0.0.2", 2000), codec: "PCMA" });
    const leg = gateway.open("127.0.0.2", 2000, renumbered());
    gateway.core.configureLeg(leg, { sending: true }, 0);
    gateway.core.configureLeg(leg, { codec: "PCMA", alternatePayloadType: -1 }, 0);
    run([caller, gateway], 0, 200);
    expect(gateway.core.stats(leg).packetsReceived).toBeGreaterThan(5);
  });

  it.each([-1, 128, 1.5, Number.NaN])("refuses %d as receivePayloadType", (receivePayloadType) => {
    expect(() => new Host().open("127.0.0.2", 2000, { receivePayloadType })).toThrowError(
      /^receivePayloadType must be/,
    );
  });
});
