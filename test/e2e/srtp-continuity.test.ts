/**
 * SRTP stays audible while the call changes and sequence numbers wrap: hold and resume, another port, another key, another
 * SSRC, each around the wrap of what the gateway receives and again around the wrap of what it sends. One end is a phone of
 * the test's own, whose numbers can be chosen; the other is baresip, whose recording tells what its SRTP opened (RFC 3711
 * §3.3.1, SDP-SEC-6, SDP-SEC-7, SRTP-4, SRTP-8).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Baresip } from "../support/baresip.ts";
import { followSpeech, mulawOf } from "../support/follow-speech.ts";
import { BASE, startGateway, type TestGateway, until } from "../support/gateway.ts";
import { capture, datagramsOf } from "../support/pcap.ts";
import { FIXTURES, scratchFolder } from "../support/peers.ts";
import { ScriptedPhone } from "../support/scripted-phone.ts";
import { audioOf, mediaIn, streamFrom } from "../support/wire-audio.ts";
import { wireFaults } from "../support/wire-check.ts";

const GATEWAY = "127.77.22.1";
// Connections and RTP of baresip leave from this address on loopback.
const PHONES = "127.0.0.1";
const CALLER = "127.77.22.2";

/** What is changed, how, and what it means for our own key. */
const CHANGES: readonly { name: string; apply: (phone: ScriptedPhone) => Promise<void>; keepsKey: boolean }[] = [
  {
    name: "hold and resume",
    apply: async (phone) => {
      await phone.reoffer({ direction: "sendonly" });
      await phone.say(20);
      await phone.reoffer({});
    },
    keepsKey: true,
  },
  {
    name: "another port with the same key",
    apply: async (phone) => {
      await phone.reoffer({ port: true });
    },
    keepsKey: true,
  },
  {
    name: "another key",
    apply: async (phone) => {
      await phone.reoffer({ key: true });
    },
    keepsKey: false,
  },
  {
    name: "another SSRC with the same key",
    apply: async (phone) => phone.renumber(65_530),
    keepsKey: true,
  },
];

const numberOf = (index: number) => `+1555022000${index}`;
const portOf = (index: number) => 6300 + 20 * index;

let gateway: TestGateway;
let wire: Awaited<ReturnType<typeof capture>>;
const scratch = scratchFolder("srtp-continuity");
const file = join(scratch.path, "wire.pcap");
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  const each = (line: (index: number) => string) => CHANGES.map((_, index) => line(index)).join("\n");
  gateway = await startGateway(
    GATEWAY,
    `
ipAccessControlLists:
  - { name: phones, addresses: [${CALLER}, ${PHONES}] }
byocTrunks:
  - { name: pstn }
sipDomains:
  - { name: carrier, domain: carrier, secure: true, byocTrunk: pstn, ipAccessControlLists: [phones] }
trunks:
${each((index) => `  - { name: office${index}, secure: true, tlsVerify: false, originationUrls: [{ url: "sip:${PHONES}:${portOf(index) + 1};transport=tls" }] }`)}
phoneNumbers:
${each((index) => `  - { number: "${numberOf(index)}", trunk: office${index} }`)}
`,
  );
  wire = await capture(file, `udp and host ${GATEWAY}`);
});
afterAll(async () => {
  await wire.stop();
  for (const stop of stops) await stop();
  await gateway.stop();
  scratch.remove();
});

describe("SRTP over changes of a call, with baresip as far end", () => {
  for (const [index, { name, apply, keepsKey }] of CHANGES.entries())
    it.concurrent(`SDP-SEC-6, SRTP-4, SRTP-8: ${name}, around a wrap on either side of the gateway`, async () => {
      const far = await Baresip.start({
        folder: join(scratch.path, `far${index}`),
        address: PHONES,
        sipPort: portOf(index),
        controlPort: portOf(index) + 10,
        rtpPort: 31_000 + 100 * index,
        wav: join(FIXTURES, "callee-talk.wav"),
        account: `<sip:${numberOf(index)}@${PHONES}:${portOf(index)};transport=tls>;regint=0;audio_codecs=pcmu;mediaenc=srtp-mand;answermode=auto`,
      });
      stops.push(() => far.stop());
      const phone = await ScriptedPhone.start({ address: CALLER, gateway: GATEWAY, srtp: true, firstSequence: 65_515 });
      stops.push(() => phone.stop());
      await phone.call(`sip:${numberOf(index)}@carrier.sip.${BASE}`, `sip:+15550100300@carrier.sip.${BASE}`);
      const farPort = (address: string) => mediaIn(far.messages).find((one) => one.address === address)!.port;
      /** Numbers stand in clear in SRTP. */
      const lastSent = (): number => {
        const sent = streamFrom(datagramsOf(file), farPort(GATEWAY), []);
        return sent.at(-1)?.sequence ?? 0;
      };

      // Ten packets before the phone's own wrap.
      await phone.say(10);
      await apply(phone);
      await phone.say(40);
      // Ten packets before the wrap of what the gateway sends to the far end.
      await phone.skip(65_525 - lastSent());
      await apply(phone);
      await phone.say(60);
      await until(() => lastSent() < 1000, "a wrap towards the far end");
      phone.hangup();
      await until(() => far.has("CALL_CLOSED"), "the end of the call");
      const legs = [...gateway.gateway.calls.ended()].filter(({ details }) => details.to === numberOf(index));
      await until(() => legs.every(({ mediaStats }) => mediaStats !== undefined), "the counters of both legs");

      const media = [...phone.told, ...mediaIn(far.messages)];
      const seen = datagramsOf(file);
      const ports = (address: string) => [
        ...new Set(phone.told.filter((one) => one.address === address).map(({ port }) => port)),
      ];
      const stream = (from: readonly number[]) =>
        from.flatMap((port) => streamFrom(seen, port, media)).sort((a, b) => a.at - b.at);
      const relayed = stream([farPort(GATEWAY)]);
      const [answered, returned] = [stream([farPort(PHONES)]), stream(ports(GATEWAY))];
      for (const packets of [relayed, returned])
        expect(packets.filter(({ isAuthentic }) => !isAuthentic).length, "packets of ours that no key opens").toBe(0);

      // To the far end: all that the phone said, once the legs were joined, over the wrap.
      expect(relayed.map(({ rolloverCounter }) => rolloverCounter)).toContain(1);
      // Two or three before the legs were joined, one for each SSRC that has to be believed (RTP-5).
      const speech = readFileSync(join(FIXTURES, "caller.ul"));
      const road = followSpeech(audioOf(relayed), speech);
      expect(road).toMatchObject({ strange: 0, repeated: 0 });
      expect(phone.sent - road.inOrder, "frames that were not relayed").toBeLessThan(10);
      for (const { mediaStats } of legs) expect(mediaStats!.drops).toMatchObject({ "auth-failed": 0, replayed: 0 });
      expect(far.messages).not.toContain("failed to decrypt RTP packet");
      await far.stop();
      // baresip plays the packet behind a loss twice.
      const opened = followSpeech(mulawOf(far.recording("dec")), speech);
      expect(opened.strange, "frames that were opened wrongly").toBe(0);
      expect(road.inOrder - opened.inOrder, "frames that baresip did not open").toBeLessThan(10);

      // To the phone: what the far end said, without a gap, under the key that the last answer told.
      expect(audioOf(answered).includes(audioOf(returned.slice(-30)))).toBe(true);
      expect(new Set(returned.map(({ ssrc }) => ssrc)).size).toBe(1);
      const keys = new Set(phone.told.filter(({ address }) => address === GATEWAY).map(({ crypto }) => crypto.join()));
      expect(keys.size, "keys of ours").toBe(keepsKey ? 1 : 3);
    });

  it("sends nothing that tshark calls malformed", async () => {
    await wire.stop();
    expect(await wireFaults(file, GATEWAY)).toEqual([]);
  });
});
