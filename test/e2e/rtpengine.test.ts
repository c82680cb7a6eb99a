/**
 * rtpengine as the SRTP end on both sides of the gateway: phones of the test's own speak plain RTP to it, with numbers that
 * wrap around each change of the call. Its offer has twelve crypto lines, of which ours is the seventh (SDP-SEC-2, SDP-SEC-3,
 * SDP-SEC-6, RFC 3711 §3.3.1).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { followSpeech } from "../support/follow-speech.ts";
import { BASE, startGateway, type TestGateway, until } from "../support/gateway.ts";
import { capture, datagramsOf } from "../support/pcap.ts";
import { FIXTURES, scratchFolder } from "../support/peers.ts";
import { Rtpengine } from "../support/rtpengine.ts";
import { ScriptedPhone } from "../support/scripted-phone.ts";
import { streamFrom } from "../support/wire-audio.ts";
import { wireFaults } from "../support/wire-check.ts";

const GATEWAY = "127.77.23.1";
const CALLER = "127.77.23.2";
const CALLEE = "127.77.23.3";
const PROXY = "127.77.23.20";

const CHANGES: readonly { name: string; apply: (phone: ScriptedPhone, engine: Rtpengine) => Promise<void> }[] = [
  {
    name: "hold and resume",
    apply: async (phone) => {
      await phone.reoffer({ direction: "sendonly" });
      await phone.say(20);
      await phone.reoffer({});
    },
  },
  {
    name: "another session of the proxy, with another port and key",
    apply: async (phone, engine) => {
      phone.proxy = engine.call("RTP/SAVP");
      await phone.reoffer({});
    },
  },
  { name: "another SSRC with the same key", apply: async (phone) => phone.renumber(65_530) },
];
const numberOf = (index: number) => `+1555023000${index}`;

let gateway: TestGateway;
let engine: Rtpengine;
let wire: Awaited<ReturnType<typeof capture>>;
const scratch = scratchFolder("rtpengine");
const file = join(scratch.path, "wire.pcap");
const phones: ScriptedPhone[] = [];

beforeAll(async () => {
  const each = (line: (index: number) => string) => CHANGES.map((_, index) => line(index)).join("\n");
  engine = await Rtpengine.start(PROXY, join(scratch.path, "rtpengine"));
  gateway = await startGateway(
    GATEWAY,
    `
ipAccessControlLists:
  - { name: phones, addresses: [${CALLER}, 127.0.0.1] }
byocTrunks:
  - { name: pstn }
sipDomains:
  - { name: carrier, domain: carrier, secure: true, byocTrunk: pstn, ipAccessControlLists: [phones] }
trunks:
${each((index) => `  - { name: office${index}, secure: true, tlsVerify: false, originationUrls: [{ url: "sip:${CALLEE}:${5061 + index};transport=tls" }] }`)}
phoneNumbers:
${each((index) => `  - { number: "${numberOf(index)}", trunk: office${index} }`)}
`,
  );
  wire = await capture(file, `udp and host ${GATEWAY}`);
});
afterAll(async () => {
  await wire.stop();
  for (const phone of phones) await phone.stop();
  await gateway.stop();
  await engine.stop();
  scratch.remove();
});

describe("R-GEN-10: rtpengine as SRTP end", () => {
  for (const [index, { name, apply }] of CHANGES.entries())
    it.concurrent(`SDP-SEC-2, SDP-SEC-6, SRTP-4: ${name}, around wraps both ways`, async () => {
      const callee = await ScriptedPhone.start({
        address: CALLEE,
        gateway: GATEWAY,
        srtp: false,
        firstSequence: 65_500,
        speech: "callee.ul",
        listen: { port: 5061 + index, certificates: gateway.certificates },
        proxy: engine.call("RTP/AVP"),
      });
      const caller = await ScriptedPhone.start({
        address: CALLER,
        gateway: GATEWAY,
        srtp: false,
        firstSequence: 65_515,
        proxy: engine.call("RTP/SAVP"),
      });
      phones.push(callee, caller);
      await caller.call(`sip:${numberOf(index)}@carrier.sip.${BASE}`, `sip:+15550100300@carrier.sip.${BASE}`);
      await callee.taken();
      const [offer, answer] = caller.told;
      expect(offer!.crypto.length, "crypto lines of the offer").toBe(12);
      expect(offer!.crypto[6]).toMatch(/^7 AES_CM_128_HMAC_SHA1_80 /);
      expect(answer!.crypto.map((line) => line.split(" ").slice(0, 2))).toEqual([["7", "AES_CM_128_HMAC_SHA1_80"]]);

      /** What the gateway sends to the proxy for this phone; numbers stand in clear in SRTP. */
      const portsOf = (phone: ScriptedPhone) => [
        ...new Set(phone.told.filter(({ address }) => address === GATEWAY).map(({ port }) => port)),
      ];
      const lastSent = (phone: ScriptedPhone): number => {
        const seen = datagramsOf(file);
        return (
          portsOf(phone)
            .flatMap((port) => streamFrom(seen, port, []))
            .at(-1)?.sequence ?? 0
        );
      };
      await caller.say(10);
      await apply(caller, engine);
      await caller.say(30);
      // Both directions of the gateway ten packets before their wrap.
      await Promise.all([caller.skip(65_525 - lastSent(callee)), callee.skip(65_525 - lastSent(caller))]);
      await apply(caller, engine);
      await caller.say(60);
      await until(() => lastSent(callee) < 1000 && lastSent(caller) < 1000, "a wrap both ways");
      caller.hangup();
      await until(() => callee.ended, "the end of the call");
      const legs = [...gateway.gateway.calls.ended()].filter(({ details }) => details.to.includes(numberOf(index)));
      await until(
        () => legs.length === 2 && legs.every(({ mediaStats }) => mediaStats !== undefined),
        "the counters of both legs",
      );

      for (const { mediaStats } of legs) expect(mediaStats!.drops).toMatchObject({ "auth-failed": 0, replayed: 0 });
      for (const [listener, speaker, speech] of [
        [callee, caller, "caller.ul"],
        [caller, callee, "callee.ul"],
      ] as const) {
        const road = followSpeech(Buffer.concat(listener.heard), readFileSync(join(FIXTURES, speech)));
        expect(road, speech).toMatchObject({ strange: 0, repeated: 0 });
        // Two or three came before the legs were joined. While the caller holds it hears nothing.
        const isHeld = speech === "callee.ul" && name === "hold and resume";
        expect(road.inOrder, `${speech}: frames that were heard`).toBeGreaterThan(
          isHeld ? speaker.sent / 3 : speaker.sent - 15,
        );
      }
      const media = [...caller.told, ...callee.told];
      for (const phone of [caller, callee]) {
        const sent = portsOf(phone).flatMap((port) => streamFrom(datagramsOf(file), port, media));
        expect(sent.filter(({ isAuthentic }) => !isAuthentic).length, "packets of ours that no key opens").toBe(0);
        // A new key near the wrap begins behind it, with a counter of 0 (hardening R11).
        const mayRestart = phone === caller && name.startsWith("another session");
        const rounds = Math.max(...sent.map(({ rolloverCounter }) => rolloverCounter));
        if (!mayRestart) expect(rounds).toBe(1);
      }
    });

  it("rtpengine found nothing to refuse, and tshark nothing malformed", async () => {
    await wire.stop();
    expect(await wireFaults(file, GATEWAY)).toEqual([]);
    // What comes before the answer was told to it is no fault of anybody.
    const complaints = engine.peer.stderr.split("\n").filter((line) => /ERR|WARN|invalid|authentication/.test(line));
    expect(complaints.filter((line) => !line.includes("no crypto suite was negotiated"))).toEqual([]);
  });
});
