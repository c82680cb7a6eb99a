/**
 * SIPp offers SDES with either suite and plays captures that were protected beforehand; the stream's echo is decrypted from
 * a capture of the wire and compared with what was sent (R-SEC-8, RFC 4568, RFC 3711).
 */
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SystemClock } from "../../src/base/clock.ts";
import { Application } from "../../src/simulator/application.ts";
import { Consumer } from "../../src/simulator/consumer.ts";
import { BASE, startGateway, type TestGateway, until } from "../support/gateway.ts";
import { capture, datagramsOf } from "../support/pcap.ts";
import { FIXTURES, sameAudio, scratchFolder, startSipp } from "../support/peers.ts";
import { deriveKeys, protectRtp } from "../support/srtp-reference.ts";

const GATEWAY = "127.77.12.1";
const CALLER = "127.77.12.2";

let gateway: TestGateway;
let consumer: Consumer;
let application: Application;
const scratch = scratchFolder("sdes");

beforeAll(async () => {
  consumer = await Consumer.start({ clock: new SystemClock(), mode: "echo" });
  application = await Application.start(
    new Map([["/voice", () => `<Response><Connect><Stream url="${consumer.url}"/></Connect></Response>`]]),
  );
  gateway = await startGateway(
    GATEWAY,
    `
ipAccessControlLists:
  - { name: callers, addresses: [${CALLER}] }
byocTrunks:
  - { name: app, voiceUrl: "${application.url}/voice" }
sipDomains:
  - { name: carrier, domain: carrier, byocTrunk: app, ipAccessControlLists: [callers] }
`,
    // SIPp speaks no TLS, so keys over UDP have to be allowed here.
    { top: "srtp: { optional: true }" },
  );
});

afterAll(async () => {
  await gateway.stop();
  await consumer.stop();
  await application.stop();
  scratch.remove();
});

describe.each([
  { suite: "AES_CM_128_HMAC_SHA1_32", tagBytes: 4, pcap: "srtp32.pcap" },
  { suite: "AES_CM_128_HMAC_SHA1_80", tagBytes: 10, pcap: "srtp80.pcap" },
])("$suite", ({ suite, tagBytes, pcap }) => {
  it("R-SEC-8: the echo of a protected capture decrypts to what was sent", async () => {
    const folder = join(scratch.path, suite);
    mkdirSync(folder);
    copyFileSync(join(FIXTURES, pcap), join(folder, "srtp.pcap"));
    const file = join(folder, "wire.pcap");
    const wire = await capture(file, `udp and host ${CALLER}`);
    const before = consumer.streams.length;
    const sipp = startSipp(folder, {
      scenario: "uac_sdes",
      to: `${GATEWAY}:5060`,
      address: CALLER,
      port: 5061,
      mediaPort: 23000,
      domain: `carrier.sip.${BASE}`,
      cwd: folder,
      args: ["-s", "hello", "-key", "from", "tester", "-key", "suite", suite, "-d", "9500", "-m", "1"],
    });
    const run = await sipp.finished;
    expect(run.code, run.stderr).toBe(0);
    await until(() => consumer.streams[before]?.stopped === true, "the end of the stream");
    await wire.stop();

    const seen = datagramsOf(file);
    const answer = seen
      .map(({ payload }) => payload.toString("latin1"))
      .find((text) => text.startsWith("SIP/2.0 200") && text.includes("a=crypto"))!;
    const [, answered, key] = /a=crypto:1 (\S+) inline:([A-Za-z0-9+/]{40})/.exec(answer)!;
    expect(answered).toBe(suite);
    const rtpPort = Number(/m=audio (\d+) RTP\/SAVP/.exec(answer)![1]);
    const keys = deriveKeys(Buffer.from(key!, "base64"));
    const packets = seen
      .filter(({ from, fromPort }) => from === GATEWAY && fromPort === rtpPort)
      .map(({ payload }) => payload);
    expect(packets.length).toBeGreaterThan(350);
    // Sequence numbers begin below 2^15 (hardening R11) and don't wrap in 10 s.
    const audio = packets.map((packet) => {
      // Counter mode is its own inverse; the packet is right when protecting the plain one gives it again, tag and all.
      const plain = protectRtp(keys, packet.subarray(0, packet.length - tagBytes), 0, 0);
      expect(protectRtp(keys, plain, 0, tagBytes).equals(packet), "a packet of ours does not authenticate").toBe(true);
      return plain.subarray(12);
    });
    const heard = join(folder, "heard.ul");
    writeFileSync(heard, Buffer.concat(audio));
    const { same, text } = await sameAudio(join(FIXTURES, "caller.ul"), heard, 0.95, 0.75);
    expect(same, text).toBe(true);
    expect(consumer.streams[before]!.numberingFaults, consumer.streams[before]!.firstFault).toBe(0);
  }, 60_000);
});
