/** Reliable provisional answers and UPDATE with SIPp (RFC 3262, RFC 3311, SIP-PRK, SIP-UPD). */
import { describe, expect } from "vitest";
import { headerOf, Stage } from "../support/stage.ts";

const stage = new Stage("sipp-reliable", 81, { sip: "  t1Ms: 100" });

describe.concurrent("SIPp: PRACK and UPDATE", () => {
  stage.scene(
    "SIP-PRK-1, 3, 4: 100rel required: 180 is reliable and repeated, a wrong RAck is 481",
    {},
    async (scene) => {
      await scene.answering("uas_answer_delay", ["-d", "2500"]);
      await scene.calling("uac_prack_required", ["-d", "800"]);
      const rings = scene.sentTo(scene.caller, "SIP/2.0 180");
      // 100, 300 and 700 ms after the first (RFC 3262 §3).
      expect(rings.length).toBeGreaterThanOrEqual(3);
      expect(new Set(rings.map((ring) => headerOf(ring, "RSeq"))).size).toBe(1);
    },
  );

  stage.scene(
    "SIP-PRK-1, SIP-PRK-5: 183 with SDP is reliable where 100rel is supported, 200 waits for its PRACK",
    {},
    async (scene) => {
      await scene.answering("uas_early_media_183", ["-d", "1000"]);
      await scene.calling("uac_prack_supported", ["-d", "2500"]);
      const order = scene
        .messages()
        .filter(({ line, text }) => /^PRACK|^SIP\/2.0 200/.test(line) && /CSeq: \d+ (PRACK|INVITE)/.test(text));
      const atCaller = order.filter(({ from, to }) => from === scene.caller || to === scene.caller);
      expect(atCaller[0]!.line).toMatch(/^PRACK/);
    },
  );

  stage.scene("SIP-PRK-3: no PRACK for 64·T1 is 504, and the callee gets CANCEL", {}, async (scene) => {
    await scene.answering("uas_no_answer");
    await scene.calling("uac_prack_missing");
  });

  stage.scene("SIP-PRK-4: reliable 183 of the callee gets one PRACK, its repeat none", {}, async (scene) => {
    await scene.answering("uas_prack", ["-d", "500"]);
    await scene.calling("uac_call", ["-d", "300"]);
    const pracks = scene.sentTo(scene.callee(), "PRACK ");
    expect(new Set(pracks.map((prack) => headerOf(prack, "CSeq")))).toEqual(new Set(["2 PRACK", "3 PRACK"]));
  });

  stage.scene("SIP-PRK-4: a reliable answer out of order gets no PRACK", {}, async (scene) => {
    await scene.answering("uas_prack_order");
    await scene.calling("uac_call", ["-d", "300"]);
    expect(scene.sentTo(scene.callee(), "PRACK ").map((prack) => headerOf(prack, "RAck"))).not.toContain("12 1 INVITE");
  });

  stage.scene("SIP-UPD-1 to 3: UPDATE of the caller: refresh, hold, refusal, resume", {}, async (scene) => {
    await scene.answering("uas_call");
    await scene.calling("uac_update");
  });

  stage.scene("SIP-UPD-1 to 3: UPDATE of the callee: refresh, hold, refusal, resume", {}, async (scene) => {
    await scene.answering("uas_update");
    await scene.calling("uac_call_hung_up");
  });

  stage.scene("SIP-UPD-1, RFC 3311 §5: the callee changes its port by UPDATE before the answer", {}, async (scene) => {
    await scene.answering("uas_early_update");
    await scene.calling("uac_call", ["-d", "300"]);
  });

  stage.scene("SIP-UPD-1, RFC 3311 §5: the caller holds by UPDATE before the answer", {}, async (scene) => {
    await scene.answering("uas_early_media_183", ["-d", "2500"]);
    await scene.calling("uac_early_update");
  });

  stage.scene("SIP-PRK-5, RFC 3262 §5: a new offer in the PRACK is answered in its 200", {}, async (scene) => {
    await scene.answering("uas_early_media_183", ["-d", "2500"]);
    await scene.calling("uac_prack_offer");
  });

  stage.scene("SIP-PRK-5, SDP-3: INVITE without SDP where 100rel is required", {}, async (scene) => {
    await scene.answering("uas_early_media_183", ["-d", "300"]);
    await scene.calling("uac_prack_delayed");
  });

  stage.scene("SIP-PRK-4, SIP-DLG-1: forks with reliable answers get a PRACK each", {}, async (scene) => {
    await scene.answering("uas_fork_reliable");
    await scene.calling("uac_call", ["-d", "200"]);
  });

  stage.scene("SIP-DLG-14: an extension that nobody has is 420", {}, async (scene) => {
    await scene.calling("uac_require_unknown");
  });
});

stage.verdict();
