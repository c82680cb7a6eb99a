/**
 * baresip calls baresip through a trunk, in both directions of a trunk and with every mix of security. What the phones decoded
 * is compared with what was said; what crossed the wire is opened with the keys of the phones' own traces and followed octet
 * by octet through hold, resume and key presses (R-TERM, R-ORIG, R-SEC, SDP-9, DTMF-5).
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Baresip } from "../support/baresip.ts";
import { mulawOf, sharedRuns } from "../support/follow-speech.ts";
import { BASE, startGateway, type TestGateway, until } from "../support/gateway.ts";
import { type CapturedDatagram, capture, datagramsOf } from "../support/pcap.ts";
import { FIXTURES, scratchFolder } from "../support/peers.ts";
import { audioOf, mediaIn, streamFrom, type WirePacket } from "../support/wire-audio.ts";
import { wireFaults } from "../support/wire-check.ts";

const GATEWAY = "127.77.21.1";
// Debian's baresip binds its connections and RTP to any address, so on loopback they leave from this one.
const PHONES = "127.0.0.1";

interface Side {
  readonly secure: boolean;
}
interface Scenario {
  readonly name: string;
  readonly way: "termination" | "origination";
  readonly caller: Side;
  readonly callee: Side;
  readonly hangsUp: "caller" | "callee";
}

const SIDES = [
  ["TLS with SRTP on both sides", true, true],
  ["TLS with SRTP to UDP with RTP", true, false],
  ["UDP with RTP to TLS with SRTP", false, true],
] as const;
const SCENARIOS: readonly Scenario[] = SIDES.flatMap(([name, caller, callee], index) =>
  (["termination", "origination"] as const).map((way, turn) => ({
    name: `${way}, ${name}`,
    way,
    caller: { secure: caller },
    callee: { secure: callee },
    hangsUp: (index + turn) % 2 === 0 ? ("caller" as const) : ("callee" as const),
  })),
);

const numberOf = (index: number) => `+1555021000${index}`;
const portOf = (index: number, isCallee: boolean) => 6000 + 40 * index + (isCallee ? 20 : 0);
const uriOf = (index: number, secure: boolean) =>
  `sip:${PHONES}:${portOf(index, true) + (secure ? 1 : 0)};transport=${secure ? "tls" : "udp"}`;

/** A trunk for each scenario, or a carrier's domain and a number that leads to one. */
function objects(): string {
  const lines = { policies: "", byoc: "", trunks: "", numbers: "" };
  for (const [index, { way, caller, callee }] of SCENARIOS.entries()) {
    const url = uriOf(index, callee.secure);
    if (way === "termination") {
      lines.policies += `  - { name: carrier${index}, targets: [{ url: "${url}${callee.secure ? ";secure=true" : ""}" }] }\n`;
      lines.byoc += `  - { name: carrier${index}, connectionPolicy: carrier${index}, tlsVerify: false }\n`;
      lines.trunks += `  - { name: office${index}, domain: office${index}, secure: ${caller.secure}, ipAccessControlLists: [phones], callerIdPolicy: any, carrierLink: { byocTrunk: carrier${index} } }\n`;
    } else {
      lines.trunks += `  - { name: office${index}, domain: office${index}, secure: ${callee.secure}, ipAccessControlLists: [phones], tlsVerify: false, originationUrls: [{ url: "${url}" }] }\n`;
      lines.numbers += `  - { number: "${numberOf(index)}", trunk: office${index} }\n`;
    }
  }
  return `
ipAccessControlLists:
  - { name: phones, addresses: [${PHONES}] }
connectionPolicies:
${lines.policies}
byocTrunks:
  - { name: pstn }
${lines.byoc}
sipDomains:
  - { name: secure, domain: secure, secure: true, byocTrunk: pstn, ipAccessControlLists: [phones] }
  - { name: plain, domain: plain, byocTrunk: pstn, ipAccessControlLists: [phones] }
trunks:
${lines.trunks}
phoneNumbers:
${lines.numbers}
`;
}

let gateway: TestGateway;
let wire: Awaited<ReturnType<typeof capture>>;
const scratch = scratchFolder("baresip-trunk");
const file = join(scratch.path, "wire.pcap");
const phones: Baresip[] = [];

beforeAll(async () => {
  gateway = await startGateway(GATEWAY, objects());
  wire = await capture(file, `udp and host ${GATEWAY}`);
});
afterAll(async () => {
  await wire.stop();
  for (const phone of phones) await phone.stop();
  await gateway.stop();
  scratch.remove();
});

async function phone(
  index: number,
  isCallee: boolean,
  user: string,
  domain: string,
  { secure }: Side,
): Promise<Baresip> {
  const port = portOf(index, isCallee);
  const transport = secure ? "tls" : "udp";
  const proxy = `outbound="sip:${GATEWAY}:${secure ? 5061 : 5060};transport=${transport}"`;
  const started = await Baresip.start({
    folder: join(scratch.path, `${index}-${isCallee ? "callee" : "caller"}`),
    address: PHONES,
    sipPort: port,
    controlPort: port + 10,
    rtpPort: 30_000 + 200 * index + (isCallee ? 100 : 0),
    wav: join(FIXTURES, `${isCallee ? "callee" : "caller"}-talk.wav`),
    account: `<sip:${user}@${domain};transport=${transport}>;regint=0;audio_codecs=pcmu;${secure ? "mediaenc=srtp-mand;" : ""}${isCallee ? "answermode=auto" : proxy}`,
  });
  phones.push(started);
  return started;
}

const nowS = () => Date.now() / 1000;
const talk = (ms: number) => new Promise((done) => setTimeout(done, ms));

describe("R-GEN-10: baresip to baresip through a trunk", () => {
  for (const [index, { name, way, caller, callee, hangsUp }] of SCENARIOS.entries())
    it.concurrent(`SDP-9, R-SEC-8, DTMF-5: ${name}; hold, resume, digits, the ${hangsUp} hangs up`, async () => {
      const number = numberOf(index);
      const domain =
        way === "termination" ? `office${index}.pstn.${BASE}` : `${caller.secure ? "secure" : "plain"}.sip.${BASE}`;
      const [a, b] = await Promise.all([
        phone(index, false, "+15550100200", domain, caller),
        phone(index, true, number, `${PHONES}:${portOf(index, true)}`, callee),
      ]);
      await a.command("dial", `sip:${number}@${domain}`);
      const calls = () =>
        [...gateway.gateway.calls.live(), ...gateway.gateway.calls.ended()].filter(({ details }) =>
          details.to.includes(number),
        );
      await until(() => a.has("CALL_ESTABLISHED") && b.has("CALL_ESTABLISHED"), "an answered call");
      const [inbound, outbound] = calls();
      /** How often the far end of a leg put it on hold and took it back. */
      const notes = (text: string) =>
        [inbound, outbound].map((call) => call!.decisions.entries.filter((entry) => entry.text === text).length);
      const held = () => notes("the far end put the call on hold");
      const resumed = () => notes("the far end resumed the call");

      const phases: { name: string; from: number; to: number }[] = [];
      const phase = async (name: string, ms: number): Promise<void> => {
        const from = nowS() + 0.15;
        await talk(ms);
        phases.push({ name, from, to: nowS() - 0.05 });
      };
      await phase("talk", 2500);
      const recorded = [b, a].map((listener) => statSync(listener.recording("dec")).size);
      await a.command("sndcode", "5");
      await until(() => b.has("CALL_DTMF_START", "5"), "a digit at the callee");
      await b.command("sndcode", "7");
      await until(() => a.has("CALL_DTMF_START", "7"), "a digit at the caller");
      for (const [who, holder] of [a, b].entries()) {
        await holder.command("hold");
        await until(() => held()[who] === 1, "a hold");
        await phase(`held by ${who}`, 800);
        await holder.command("resume");
        await until(() => resumed()[who] === 1, "a resumed call");
        await phase(`after ${who}`, 1200);
      }
      await (hangsUp === "caller" ? a : b).command("hangup");
      await until(() => a.has("CALL_CLOSED") && b.has("CALL_CLOSED"), "the end of the call");
      await until(() => inbound!.ended && outbound!.ended && inbound!.mediaStats !== undefined, "the end of both legs");

      expect([inbound!.status, outbound!.status]).toEqual(["completed", "completed"]);
      const seen = datagramsOf(file);
      const [road, back] = [directions(a, b, seen), directions(b, a, seen)];
      for (const [turn, { said, heard }] of [road, back].entries()) {
        // What the phone's own SRTP and decoder made of it, until its first hold: a recording ends or has a gap there.
        const recording = mulawOf([b, a][turn]!.recording("dec")).subarray(0, (recorded[turn]! - 44) / 2);
        const opened = sharedRuns(recording, audioOf(said));
        expect(opened.of, "half seconds that were recorded").toBeGreaterThanOrEqual(3);
        // A machine that stalls makes its jitter buffer drop a packet.
        expect(opened.shared, "half seconds that were recorded as they were said").toBeGreaterThan(opened.of / 2);
        expect(
          heard.filter(({ isAuthentic }) => !isAuthentic),
          "SRTP that the key of the answer does not open",
        ).toEqual([]);
        expect(new Set(heard.map(({ ssrc }) => ssrc)).size, "SSRCs of one leg").toBe(1);
        expect(gapsOf(heard), "numbers left out").toEqual(gapsOf(said));
        for (const { name, from, to } of phases) {
          const during = (packets: WirePacket[]) => audioOf(packets.filter(({ at }) => at > from && at < to));
          // Who holds is sent nothing; the other may be sent silence (SDP-9).
          if (name === `held by ${1 - turn}`) expect(during(heard).length, `${name}: octets to the holder`).toBe(0);
          else if (name.startsWith("held"))
            expect(
              during(heard).every((octet) => octet === 0xff),
              name,
            ).toBe(true);
          else {
            // Every octet is one that was said, in its order, and at least half of the time is filled.
            expect(during(heard).length, name).toBeGreaterThan((to - from) * 4000);
            expect(audioOf(said).includes(during(heard)), `${name}: relayed as it was said`).toBe(true);
          }
        }
      }
      expect(a.messages + b.messages).not.toContain("failed to decrypt RTP packet");
    });

  it("sends nothing that tshark calls malformed", async () => {
    await wire.stop();
    expect(await wireFaults(file, GATEWAY)).toEqual([]);
  });

  it("leaves nothing behind", async () => {
    await until(() => gateway.gateway.status().dialogs === 0, "the end of all dialogs");
    expect(gateway.log.lines.filter((line) => line.startsWith("error"))).toEqual([]);
    expect(gateway.log.lines.join("\n")).not.toMatch(/inline:/);
  });
});

/** What one phone sent, and what the gateway sent to the other. */
function directions(
  speaker: Baresip,
  listener: Baresip,
  seen: readonly CapturedDatagram[],
): { said: WirePacket[]; heard: WirePacket[] } {
  const media = [...mediaIn(speaker.messages), ...mediaIn(listener.messages)];
  const portOf = (phone: Baresip, address: string) =>
    mediaIn(phone.messages).find((one) => one.address === address)!.port;
  return {
    said: streamFrom(seen, portOf(speaker, PHONES), media),
    heard: streamFrom(seen, portOf(listener, GATEWAY), media),
  };
}

/**
 * RFC 3550 §5.1: numbers go up by one with each packet that is sent, over holds as well. Only what got lost on the way to the
 * gateway is missing in what was relayed too.
 */
function gapsOf(packets: readonly WirePacket[]): number[] {
  return packets.slice(1).flatMap(({ sequence }, i) => {
    const step = (sequence - packets[i]!.sequence) & 0xffff;
    return step === 1 ? [] : [step];
  });
}
