/**
 * The first SIPp scenarios of test/peers through a trunk: SIPp as PBX, the gateway, SIPp as carrier. A scenario that is not followed to
 * the letter makes its SIPp exit with an error.
 */
import { describe, expect } from "vitest";
import { type Scene, Stage } from "../support/stage.ts";

const stage = new Stage("sipp-scenarios", 90);

const statuses = async (scene: Scene): Promise<string[]> => (await scene.calls()).map(({ status }) => status);

describe.concurrent("SIPp through a trunk", () => {
  for (const [transport, args] of [
    ["UDP", []],
    ["TCP", ["-t", "t1"]],
  ] as const)
    stage.scene(`R-TERM-12: a call over ${transport}, audio both ways`, {}, async (scene) => {
      await scene.answering("uas_answer_delay", ["-d", "100"]);
      await scene.calling("uac_basic_rtp", ["-d", "1000", ...args]);
      await scene.end();
      const legs = await scene.calls();
      for (const leg of legs) expect(leg.mediaStats!.packetsReceived).toBeGreaterThan(30);
      expect(legs).toHaveLength(2);
    });

  stage.scene("RFC 3261 §13.2.2.1: early media of a 183 is heard before the answer", {}, async (scene) => {
    await scene.answering("uas_early_media_183", ["-d", "1000"]);
    await scene.calling("uac_basic_rtp", ["-d", "1000"]);
    await scene.end();
    const sent = Math.max(...(await scene.calls()).map(({ mediaStats }) => mediaStats!.packetsSent));
    expect(sent).toBeGreaterThan(80);
  });

  stage.scene("RFC 3264 §8.4: hold and resume by re-INVITE", {}, async (scene) => {
    await scene.answering("uas_answer_delay", ["-d", "100"]);
    await scene.calling("uac_reinvite_hold", ["-d", "1000"]);
    await scene.end();
    expect(await statuses(scene)).toEqual(["completed", "completed"]);
  });

  stage.scene("RFC 3261 §9: CANCEL reaches the callee", {}, async (scene) => {
    await scene.answering("uas_no_answer");
    await scene.calling("uac_cancel", ["-d", "300"]);
    await scene.end();
    expect(await statuses(scene)).toContain("canceled");
  });

  stage.scene("the callee hangs up: the caller gets BYE", {}, async (scene) => {
    await scene.answering("uas_hangup", ["-d", "800"]);
    await scene.calling("uac_hung_up");
  });

  stage.scene("DTMF by INFO is answered 200", {}, async (scene) => {
    await scene.answering("uas_answer_delay", ["-d", "100", "-aa"]);
    await scene.calling("uac_dtmf_info", ["-d", "500"]);
  });

  stage.scene("RFC 4733: key presses in the audio pass", {}, async (scene) => {
    await scene.answering("uas_answer_delay", ["-d", "100"]);
    await scene.calling("uac_dtmf_rfc4733", ["-d", "5000"]);
    // A press is one timestamp under the number of telephone-event, however many packets it has (RFC 4733 §2.5.1.2).
    const digits = (sender: string) => {
      const events = scene
        .datagrams()
        .filter(({ from, payload }) => from === sender && payload.length === 16 && (payload[1]! & 127) === 101);
      return [...new Map(events.map(({ payload }) => [payload.readUInt32BE(4), payload[12]])).values()];
    };
    expect(digits(scene.caller)).toEqual([1, 2, 5, 11]);
    expect(digits(stage.address)).toEqual([1, 2, 5, 11]);
  });

  stage.scene("RTP with loss, reordering and jitter passes and is counted", {}, async (scene) => {
    await scene.answering("uas_answer_delay", ["-d", "100"]);
    await scene.calling("uac_pcap_rtp", ["-d", "2000"]);
    await scene.end();
    // The fixture leaves out every 20th packet, swaps every 15th with the next and doubles every 33rd.
    const { packetsLost, packetsReceived } = (await scene.calls())
      .map(({ mediaStats }) => mediaStats!)
      .sort((a, b) => b.packetsLost - a.packetsLost)[0]!;
    expect(packetsReceived).toBeGreaterThan(60);
    expect(packetsLost).toBeGreaterThanOrEqual(1);
    expect(packetsLost).toBeLessThan(packetsReceived / 10);
  });

  for (const code of [404, 480, 486, 603])
    stage.scene(`R-ORIG-18, R-ORIG-19: ${code} of the only target is the caller's answer`, {}, async (scene) => {
      await scene.answering("uas_reject", ["-key", "code", String(code)]);
      await scene.failing(code);
    });

  stage.scene("table 0.1: no codec in common is 488, and no callee is asked", {}, async (scene) => {
    await scene.calling("uac_bad_sdp");
    expect(scene.sentTo(scene.callee(), "INVITE ")).toEqual([]);
  });

  stage.scene("R-KEEP-1: OPTIONS is answered", {}, async (scene) => {
    await scene.calling("uac_options");
  });

  stage.scene(
    "R-REDIR-1: only origination follows a 302; one of the carrier fails like any other target",
    {},
    async (scene) => {
      await scene.answering("uas_302", ["-key", "target", `sip:${scene.dialled}@${scene.callee(1)}:5060`]);
      await scene.failing(480);
      expect(scene.sentTo(scene.callee(1), "INVITE ")).toEqual([]);
    },
  );
});

stage.verdict();
