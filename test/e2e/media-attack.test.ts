/**
 * Nothing a media packet contains ends a call, is heard, or is answered (hardening R8, R9, R12, R15; R-MEDIA-1 to 3, R-SEC-8),
 * and a wrong password opens nothing (requirements 0.1). Attackers send to the real ports of real calls.
 */
import { randomBytes } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SystemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { melody } from "../../src/cli/demo/melody.ts";
import { Application } from "../../src/simulator/application.ts";
import { Consumer } from "../../src/simulator/consumer.ts";
import { Party, type PartyCall } from "../../src/simulator/party.ts";
import { toUlaw } from "../../src/simulator/tones.ts";
import { BASE, startGateway, type TestGateway, until } from "../support/gateway.ts";

const GATEWAY = "127.77.16.1";
const PHONE = "127.77.16.2";
const ATTACKER = "127.77.16.9";
const PASSWORD = "Attack-Password-1";
const clock = new SystemClock();

let gateway: TestGateway;
let consumer: Consumer;
let application: Application;
let securePhone: Party;
let plainPhone: Party;
let secure: PartyCall;
let plain: PartyCall;
const attacker: Socket = createSocket("udp4");
const answers: Buffer[] = [];

const call = (domain: string, password = PASSWORD): Promise<PartyCall> =>
  (domain === "secure" ? securePhone : plainPhone).call(`sip:hello@${domain}.sip.${BASE}`, {
    from: `sip:phone@${domain}.sip.${BASE}`,
    nextHop: `sip:${GATEWAY}:${domain === "secure" ? "5061;transport=tls" : "5060"}`,
    credentials: { username: "phone", password },
    play: toUlaw(melody()),
    loop: true,
    record: false,
  });

beforeAll(async () => {
  consumer = await Consumer.start({ clock, mode: "both" });
  application = await Application.start(
    new Map([["/voice", () => `<Response><Connect><Stream url="${consumer.url}"/></Connect></Response>`]]),
  );
  gateway = await startGateway(
    GATEWAY,
    `
credentialLists:
  - { name: phones, credentials: [{ username: phone, password: ${PASSWORD} }] }
byocTrunks:
  - { name: app, voiceUrl: "${application.url}/voice" }
sipDomains:
  - { name: secure, domain: secure, secure: true, byocTrunk: app, credentialLists: [phones] }
  - { name: plain, domain: plain, byocTrunk: app, credentialLists: [phones] }
`,
  );
  const { certPem, keyPem } = gateway.certificates;
  [securePhone, plainPhone] = await Promise.all([
    Party.start({
      name: "secure phone",
      clock,
      log: silentLog,
      address: PHONE,
      listen: [{ transport: "tls", address: PHONE, port: 0 }],
      tls: { certPem, keyPem, caPem: certPem },
      security: "required",
    }),
    Party.start({
      name: "plain phone",
      clock,
      log: silentLog,
      address: PHONE,
      listen: [{ transport: "udp", address: PHONE, port: 5060 }],
    }),
  ]);
  attacker.on("message", (answer) => answers.push(answer));
  await new Promise<void>((done) => attacker.bind(0, ATTACKER, done));
});

afterAll(async () => {
  attacker.close();
  secure?.hangup();
  plain?.hangup();
  await until(() => gateway.gateway.calls.liveCount === 0, "the end of all calls");
  await Promise.all([securePhone.stop(), plainPhone.stop()]);
  await gateway.stop();
  await consumer.stop();
  await application.stop();
});

/** One datagram of every kind that a media port may be sent. */
function hostile(round: number): Buffer[] {
  const rtp = (payloadType: number, ssrc: number, octets = 160) => {
    const packet = Buffer.alloc(12 + octets, 0x2a);
    packet.writeUInt16BE(0x8000 | payloadType, 0);
    packet.writeUInt16BE(round & 0xffff, 2);
    packet.writeUInt32BE(round * 160, 4);
    packet.writeUInt32BE(ssrc, 8);
    return packet;
  };
  const bye = Buffer.from("81cb000111223344", "hex");
  return [
    rtp(0, 0x11223344),
    rtp(0, round),
    rtp(101, 7, 4),
    rtp(77, 7),
    rtp(0, 7, 0),
    rtp(0, 7).subarray(0, 11),
    bye,
    Buffer.from("81c9000711223344", "hex"),
    Buffer.from("000100002112a442000000000000000000000000", "hex"),
    Buffer.concat([Buffer.from("16feff0000000000000000", "hex"), randomBytes(50)]),
    randomBytes(round % 1500),
    Buffer.alloc(0),
  ];
}

describe("a wrong password", () => {
  it("table 0.1: 403 with alert 32202, no webhook, no stream", async () => {
    const refused = await call("secure", "Wrong-Password-1");
    expect(await refused.answered).toBe(false);
    expect(refused.status).toBe(403);
    expect(gateway.gateway.alerts.all().map(({ code }) => code)).toEqual([32202]);
    expect(application.requests).toEqual([]);
    expect(gateway.log.lines.join("\n")).not.toContain("Wrong-Password-1");
  });
});

describe("attacks on the media ports of two calls", () => {
  it("R8, R9: thousands of foreign packets reach nobody, get no answer and end no call", async () => {
    secure = await call("secure");
    plain = await call("plain");
    expect(await secure.answered).toBe(true);
    expect(await plain.answered).toBe(true);
    expect(secure.negotiated!.srtp).not.toBeNull();
    expect(plain.negotiated!.srtp).toBeNull();
    const ports = [secure, plain].flatMap(({ negotiated }) => [
      negotiated!.remoteRtp!.port,
      negotiated!.remoteRtcp!.port,
    ]);
    await until(() => secure.leg.stats.packetsReceived > 20 && plain.leg.stats.packetsReceived > 20, "audio");
    let sent = 0;
    for (let round = 0; round < 250; round++) {
      for (const packet of hostile(round))
        for (const port of ports) {
          attacker.send(packet, port, GATEWAY);
          sent++;
        }
      // No faster than the sockets' buffers are read: what is lost in the kernel proves nothing.
      const heard = plain.leg.stats.packetsReceived;
      if (round % 2 === 1) await until(() => plain.leg.stats.packetsReceived > heard, "audio during the attack");
    }
    expect(sent).toBe(12_000);
    const before = plain.leg.stats.packetsReceived;
    await until(() => plain.leg.stats.packetsReceived > before + 50, "a second of audio after the attack");
    expect(answers).toEqual([]);
    expect(secure.dialog?.ended).toBe(false);
    expect(plain.dialog?.ended).toBe(false);
  });

  it("what was heard is what the phones said, and the drops are counted by their reason", async () => {
    secure.hangup();
    plain.hangup();
    await until(() => gateway.gateway.calls.liveCount === 0, "the end of both calls");
    // The attacker's audio is one octet over and over, which no melody is.
    for (const stream of consumer.streams) {
      expect(stream.numberingFaults, stream.firstFault).toBe(0);
      for (const frame of stream.audio) expect(frame.filter((octet) => octet === 0x2a).length).toBeLessThan(80);
    }
    const ended = [...gateway.gateway.calls.ended()].filter(({ status }) => status === "completed");
    expect(ended.length).toBe(2);
    for (const one of ended) {
      await until(() => one.mediaStats !== undefined, "the counters of a call");
      expect(one.mediaStats!.packetsLost).toBe(0);
      const { drops } = one.mediaStats!;
      // A secure leg judges by the tag, a plain one by the address.
      expect(drops["wrong-source"] + drops["auth-failed"]).toBeGreaterThan(500);
      expect(drops.stun).toBeGreaterThan(250);
      expect(drops.dtls).toBeGreaterThan(250);
      expect(Object.values(drops).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(4000);
    }
    expect(gateway.log.lines.filter((line) => line.startsWith("error"))).toEqual([]);
    expect(gateway.gateway.status().workers[0]!.alive).toBe(true);
  });
});
