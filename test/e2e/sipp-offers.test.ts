/** Offers and answers with SIPp: delayed offers, changes in re-INVITE, hold, fax, video, key presses (RFC 3264, SDP). */
import { describe, expect } from "vitest";
import { type Scene, Stage } from "../support/stage.ts";

const stage = new Stage("sipp-offers", 82, { sip: "  t1Ms: 200" });

/** RTP packets of the gateway to an address and port, in order. */
function audioTo(scene: Scene, address: string, port: number) {
  return scene
    .datagrams()
    .filter(
      ({ from, to, toPort, payload }) =>
        from === stage.address && to === address && toPort === port && payload[0] === 0x80,
    );
}
/** SDP of the 200s to the INVITEs of an address. */
function answersTo(scene: Scene, address: string): string[] {
  return scene
    .sentTo(address, "SIP/2.0 200")
    .filter(({ text }) => /\r\nCSeq: \d+ INVITE\r\n/.test(text))
    .map(({ text }) => text.slice(text.indexOf("\r\n\r\n") + 4));
}

describe.concurrent("SIPp: offers and answers", () => {
  stage.scene(
    "SDP-3: delayed offer, in the INVITE and in a re-INVITE, answered in the ACK; audio flows",
    {},
    async (scene) => {
      await scene.answering("uas_answer_delay", ["-d", "50"]);
      await scene.calling("uac_delayed_offer", ["-d", "600"]);
      const audio = scene
        .datagrams()
        .filter(({ from, to, payload }) => from === stage.address && to === scene.caller && payload.length === 172);
      expect(audio.length).toBeGreaterThan(10);
    },
  );

  stage.scene(
    "SDP-3: a delayed offer that gets no answer in the ACK ends with BYE, on both sides",
    {},
    async (scene) => {
      await scene.answering("uas_call");
      await scene.calling("uac_delayed_no_answer");
    },
  );

  stage.scene("SDP-3, SDP-21: so does one whose answer names a codec that was not offered", {}, async (scene) => {
    await scene.answering("uas_call");
    await scene.calling("uac_delayed_bad_answer");
  });

  stage.scene(
    "SDP-10, SDP-11: codec, port and address change by re-INVITE, and the audio follows",
    {},
    async (scene) => {
      await scene.answering("uas_answer_delay", ["-d", "50"]);
      const other = scene.callee(7);
      await scene.calling("uac_reinvite_changes", ["-key", "other", other]);
      expect(audioTo(scene, scene.caller, 30_002).map(({ payload }) => payload[1]! & 127)).toContain(8);
      expect(audioTo(scene, other, 30_002).map(({ payload }) => payload[1]! & 127)).toContain(0);
      const answers = answersTo(scene, scene.caller);
      expect(answers.at(-1)).toBe(answers.at(-2));
    },
  );

  stage.scene("SDP-8, SDP-9: hold of the caller as sendonly, inactive and c=0.0.0.0", {}, async (scene) => {
    await scene.answering("uas_call");
    await scene.calling("uac_hold_forms");
    // SDP-9: the other side is not told, and the port stays.
    expect(scene.sentTo(scene.callee(), "INVITE ")).toHaveLength(1);
    const ports = answersTo(scene, scene.caller).map((sdp) => /m=audio (\d+)/.exec(sdp)![1]);
    expect(new Set(ports).size).toBe(1);
  });

  stage.scene("SDP-8, SDP-9: hold of the callee in the same forms", {}, async (scene) => {
    await scene.answering("uas_hold_forms");
    await scene.calling("uac_call", ["-d", "1500"]);
    expect(scene.sentTo(scene.caller, "INVITE ")).toHaveLength(0);
  });

  stage.scene("SDP-19, SIP-INV-8: re-INVITE for T.38 is 488, the audio goes on", {}, async (scene) => {
    await scene.answering("uas_answer_delay", ["-d", "50"]);
    await scene.calling("uac_t38_refused", ["-d", "500"]);
    const refusal = scene.sentTo(scene.caller, "SIP/2.0 488")[0]!;
    const audio = scene
      .datagrams()
      .filter(
        ({ from, to, payload, at }) =>
          from === stage.address && to === scene.callee() && payload.length === 172 && at > refusal.at,
      );
    expect(audio.length).toBeGreaterThan(5);
  });

  stage.scene(
    "SDP-4, SDP-12: m=video is answered with port 0, and an offer with fewer m= lines is 488",
    {},
    async (scene) => {
      await scene.answering("uas_call");
      await scene.calling("uac_video_then_fewer");
    },
  );

  stage.scene(
    "SDP-4: of video and two audio lines the first audio line is used, all are answered in order",
    {},
    async (scene) => {
      await scene.answering("uas_call");
      await scene.calling("uac_video_first");
    },
  );

  stage.scene("SDP-4: an offer without audio is 488, and no callee is asked", {}, async (scene) => {
    await scene.calling("uac_video_only");
    expect(scene.sentTo(scene.callee(), "INVITE ")).toHaveLength(0);
  });

  stage.scene("SDP-6, DTMF-5: telephone-event under 101 here and 96 there", {}, async (scene) => {
    await scene.answering("uas_events_96");
    await scene.calling("uac_dtmf_rfc4733", ["-d", "5000"]);
    const events = scene.datagrams().filter(({ from, payload }) => from === stage.address && payload.length === 16);
    expect(new Set(events.map(({ payload }) => payload[1]! & 127))).toEqual(new Set([96]));
    const digits = new Map(events.map(({ payload }) => [payload.readUInt32BE(4), payload[12]]));
    expect([...digits.values()]).toEqual([1, 2, 5, 11]);
  });

  stage.scene(
    "SIP-INV-11, DTMF-7: keys go by INFO to a callee without telephone-event where its trunk says so",
    { carrier: "infoDigits: without-events" },
    async (scene) => {
      await scene.answering("uas_info_digits");
      await scene.calling("uac_dtmf_rfc4733", ["-d", "5000"]);
    },
  );

  stage.scene("SDP-2: the 200 moves the audio to another port than the 183 named", {}, async (scene) => {
    await scene.answering("uas_early_moves");
    await scene.calling("uac_basic_rtp", ["-d", "600"]);
    expect(audioTo(scene, scene.callee(), 30_032).length).toBeGreaterThan(5);
  });

  stage.scene("SDP-2: what a reliable 183 answered counts, whatever the 200 repeats", {}, async (scene) => {
    await scene.answering("uas_after_prack");
    await scene.calling("uac_basic_rtp", ["-d", "600"]);
    expect(audioTo(scene, scene.callee(), 30_050).length).toBeGreaterThan(5);
    expect(audioTo(scene, scene.callee(), 30_052)).toEqual([]);
  });

  stage.scene("SDP-21: an answer with port 0 is none", {}, async (scene) => {
    await scene.answering("uas_answer_port_0");
    await scene.calling("uac_expect_failure");
  });

  stage.scene("SDP-8, SDP-9: a callee that answers on hold and resumes", {}, async (scene) => {
    await scene.answering("uas_answer_held", ["-d", "400"]);
    await scene.calling("uac_basic_rtp", ["-d", "1500"]);
    const resumed = scene.messages().find(({ from, line }) => from === scene.callee() && line.startsWith("INVITE "))!;
    const audio = scene
      .datagrams()
      .filter(({ from, to, payload }) => from === stage.address && to === scene.callee() && payload.length === 172);
    expect(audio.filter(({ at }) => at < resumed.at)).toEqual([]);
    expect(audio.length).toBeGreaterThan(5);
  });

  stage.scene("SIP-INV-11: digits by INFO as dtmf-relay and dtmf; another type is 415", {}, async (scene) => {
    await scene.answering("uas_call");
    await scene.calling("uac_info_forms");
  });

  stage.scene(
    "SDP-21: an answer with a codec that was not offered: ACK, BYE, and the caller gets 488",
    {},
    async (scene) => {
      await scene.answering("uas_bad_answer");
      await scene.calling("uac_expect_failure");
      expect(scene.sentTo(scene.caller, "SIP/2.0 488")).not.toEqual([]);
    },
  );

  stage.scene("SDP-21: a 200 without SDP: ACK, BYE", {}, async (scene) => {
    await scene.answering("uas_no_answer_sdp");
    await scene.calling("uac_expect_failure");
  });
});

stage.verdict();
