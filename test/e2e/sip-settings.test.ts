/** Settings for equipment that stumbles over session timers or reliable provisional answers (RFC 4028, RFC 3262, RFC 3261 §11). */
import { createSocket } from "node:dgram";
import { afterEach, describe, expect, it } from "vitest";
import { parseConfig } from "../../src/cli/config.ts";
import { BASE, startGateway, type TestGateway } from "../support/gateway.ts";

const GATEWAY = "127.77.19.1";
const PEER = "127.77.19.2";
const OBJECTS = `
ipAccessControlLists: [{ name: peers, addresses: [${PEER}] }]
connectionPolicies: [{ name: carrier, targets: [{ name: peer, url: "sip:${PEER}:5060" }] }]
byocTrunks: [{ name: carrier, connectionPolicy: carrier, defaultCarrier: true }]
trunks: [{ name: office, domain: office, ipAccessControlLists: [peers], callerIdPolicy: any }]
`;

let gateway: TestGateway | undefined;
afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
});

const SDP = `v=0\r\no=- 1 1 IN IP4 ${PEER}\r\ns=-\r\nc=IN IP4 ${PEER}\r\nt=0 0\r\nm=audio 30000 RTP/AVP 0\r\n`;

/** What the carrier is sent when the same peer calls through the trunk. */
async function inviteToCarrier(): Promise<string> {
  const socket = createSocket("udp4");
  try {
    return await new Promise<string>((done) => {
      socket.on("message", (message) => {
        const text = message.toString("latin1");
        if (text.startsWith("INVITE ")) done(text);
      });
      socket.bind(5060, PEER, () =>
        socket.send(
          `INVITE sip:+15550200300@office.pstn.${BASE} SIP/2.0\r\nVia: SIP/2.0/UDP ${PEER}:5060;branch=z9hG4bKset1;rport\r\nFrom: <sip:+15550100200@x.test>;tag=1\r\nTo: <sip:+15550200300@office.pstn.${BASE}>\r\nCall-ID: settings\r\nCSeq: 1 INVITE\r\nContact: <sip:${PEER}:5060>\r\nMax-Forwards: 70\r\nContent-Type: application/sdp\r\nContent-Length: ${SDP.length}\r\n\r\n${SDP}`,
          5060,
          GATEWAY,
        ),
      );
    });
  } finally {
    socket.close();
  }
}

describe("what the gateway offers to a carrier", () => {
  it("by default: timer with 1800 s and 90 s at least, 100rel", async () => {
    gateway = await startGateway(GATEWAY, OBJECTS);
    const invite = await inviteToCarrier();
    expect(invite).toMatch(/\r\nSession-Expires: 1800\b/);
    expect(invite).toMatch(/\r\nMin-SE: 90\r\n/);
    expect(invite).toMatch(/\r\nSupported:[^\r]*\b100rel\b/);
    expect(invite).toMatch(/\r\nAllow:[^\r]*\bPRACK\b/);
  });

  it("switched off: neither", async () => {
    gateway = await startGateway(GATEWAY, OBJECTS, {
      sip: "  sessionExpiresSeconds: 0\n  reliableProvisional: false",
    });
    const invite = await inviteToCarrier();
    expect(invite).not.toMatch(/Session-Expires|Min-SE|100rel|PRACK|\btimer\b/);
  });

  it("another interval", async () => {
    gateway = await startGateway(GATEWAY, OBJECTS, { sip: "  sessionExpiresSeconds: 600\n  sessionMinSeconds: 300" });
    const invite = await inviteToCarrier();
    expect(invite).toMatch(/\r\nSession-Expires: 600\b/);
    expect(invite).toMatch(/\r\nMin-SE: 300\r\n/);
  });

  it("an interval that RFC 4028 §4 does not allow is refused with its line and what was expected", () => {
    const wrong = () => parseConfig(`domains: { base: ${BASE} }\nsip:\n  sessionExpiresSeconds: 30\n`, "t.yaml", {});
    expect(wrong).toThrow(/t\.yaml:3.*0 for none, or 90 to 86400 s/s);
  });
});
