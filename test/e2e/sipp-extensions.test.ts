/**
 * Extensions with SIPp: reliable provisional answers, UPDATE, session timers, glare (RFC 3262, RFC 3311, RFC 4028, RFC 3261 §14; SIP-PRK,
 * SIP-UPD, SIP-TMR, SIP-INV-7). The longest scene waits for 45 s, half of the shortest interval.
 */
import { describe, expect } from "vitest";
import { headerOf, type Scene, Stage } from "../support/stage.ts";

const reliable = new Stage("sipp-reliable", 81, { sip: "  t1Ms: 100" });
const timers = new Stage("sipp-timers", 85);

/** Seconds between the 200 to the first INVITE and a request of the gateway. */
function waited(scene: Scene, address: string, request: string): number {
  const answer = scene
    .messages()
    .find((message) => message.line === "SIP/2.0 200 OK" && headerOf(message, "CSeq")!.endsWith(" INVITE"))!;
  return scene.sentTo(address, request).filter(({ at }) => at > answer.at)[0]!.at - answer.at;
}

describe.concurrent("SIPp: session timers", () => {
  timers.scene(
    "SIP-TMR-4: the gateway refreshes a session of 90 s that the caller left to it after 45 s",
    {},
    async (scene) => {
      await scene.answering("uas_call");
      await scene.calling("uac_timer_uas_refreshes");
      expect(waited(scene, scene.caller, "UPDATE ")).toBeGreaterThan(44.9);
    },
  );

  timers.scene("SIP-INV-7: glare: 491 to both sides, the gateway asks again 2.1 to 4 s later", {}, async (scene) => {
    await scene.answering("uas_glare");
    await scene.calling("uac_call_hung_up");
    const invites = scene.sentTo(scene.callee(), "INVITE ").filter(({ text }) => /\r\nTo:[^\r]*;tag=/.test(text));
    const attempts = new Map(invites.map((invite) => [headerOf(invite, "CSeq"), invite.at]));
    expect(attempts.size).toBe(2);
    const [first, second] = [...attempts.values()];
    // Never earlier; later only when the machine is slow.
    expect(second! - first!).toBeGreaterThan(2);
  });

  timers.scene("SIP-TMR-2: an interval of 60 s is 422 with Min-SE 90, one of 90 s is taken", {}, async (scene) => {
    await scene.answering("uas_call");
    await scene.calling("uac_timer_422", ["-d", "100"]);
  });

  timers.scene("SIP-TMR-2: a caller without session timers gets a gateway that refreshes", {}, async (scene) => {
    await scene.answering("uas_call");
    await scene.calling("uac_timer_unsupported", ["-d", "100"]);
  });

  timers.scene("SIP-TMR-3: 422 of the callee is answered with its Min-SE, in the same Call-ID", {}, async (scene) => {
    await scene.answering("uas_timer_422");
    await scene.calling("uac_call", ["-d", "100"]);
    const invites = scene.sentTo(scene.callee(), "INVITE ");
    expect(new Set(invites.map((invite) => headerOf(invite, "Call-ID"))).size).toBe(1);
  });

  timers.scene("SIP-TMR-4: the gateway refreshes by UPDATE at half of the interval", {}, async (scene) => {
    await scene.answering("uas_timer_update");
    await scene.calling("uac_call", ["-d", "5000"]);
  });

  timers.scene(
    "SIP-TMR-4, SDP-10: or by re-INVITE with the same SDP where UPDATE is not allowed",
    {},
    async (scene) => {
      await scene.answering("uas_timer_reinvite");
      await scene.calling("uac_call", ["-d", "5000"]);
      const offers = scene.sentTo(scene.callee(), "INVITE ").map(({ text }) => text.slice(text.indexOf("\r\n\r\n")));
      expect(offers.length).toBeGreaterThanOrEqual(3);
      // The first offer had both codecs: what is repeated is what was agreed since.
      expect(new Set(offers).size).toBeLessThanOrEqual(2);
      expect(new Set(offers.slice(1)).size).toBe(1);
    },
  );

  timers.scene("SIP-TMR-4: a callee that answers the UPDATE with 405 is refreshed by re-INVITE", {}, async (scene) => {
    await scene.answering("uas_timer_no_update");
    await scene.calling("uac_call", ["-d", "3500"]);
  });

  timers.scene(
    "SIP-UPD-2, SIP-UPD-3: UPDATE with an offer while ours is open is 491, one without is 200",
    {},
    async (scene) => {
      await scene.answering("uas_update_glare");
      await scene.calling("uac_call", ["-d", "4500"]);
    },
  );

  timers.scene(
    "SIP-TMR-5: a callee that does not refresh gets BYE before the end of the interval, the caller too",
    {},
    async (scene) => {
      await scene.answering("uas_timer_expires");
      await scene.calling("uac_call_hung_up");
      // 6 s less a third.
      expect(waited(scene, scene.callee(), "BYE ")).toBeGreaterThan(3.9);
    },
  );

  timers.scene(
    "SIP-TMR-4, SIP-TMR-6: a callee that refreshes keeps the session; the caller does not notice",
    {},
    async (scene) => {
      await scene.answering("uas_timer_refreshes");
      await scene.calling("uac_call", ["-d", "6500"]);
      expect(scene.sentTo(scene.caller, "UPDATE ")).toEqual([]);
    },
  );

  timers.scene("SIP-DLG-9: 481 to the refresh ends the call on both sides", {}, async (scene) => {
    await scene.answering("uas_timer_481");
    await scene.calling("uac_call_hung_up");
  });
});

describe.concurrent("SIPp: PRACK and UPDATE", () => {
  reliable.scene(
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

  reliable.scene(
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

  reliable.scene("SIP-PRK-3: no PRACK for 64·T1 is 504, and the callee gets CANCEL", {}, async (scene) => {
    await scene.answering("uas_no_answer");
    await scene.calling("uac_prack_missing");
  });

  reliable.scene("SIP-PRK-4: reliable 183 of the callee gets one PRACK, its repeat none", {}, async (scene) => {
    await scene.answering("uas_prack", ["-d", "500"]);
    await scene.calling("uac_call", ["-d", "300"]);
    const pracks = scene.sentTo(scene.callee(), "PRACK ");
    expect(new Set(pracks.map((prack) => headerOf(prack, "CSeq")))).toEqual(new Set(["2 PRACK", "3 PRACK"]));
  });

  reliable.scene("SIP-PRK-4: a reliable answer out of order gets no PRACK", {}, async (scene) => {
    await scene.answering("uas_prack_order");
    await scene.calling("uac_call", ["-d", "300"]);
    expect(scene.sentTo(scene.callee(), "PRACK ").map((prack) => headerOf(prack, "RAck"))).not.toContain("12 1 INVITE");
  });

  reliable.scene("SIP-UPD-1 to 3: UPDATE of the caller: refresh, hold, refusal, resume", {}, async (scene) => {
    await scene.answering("uas_call");
    await scene.calling("uac_update");
  });

  reliable.scene("SIP-UPD-1 to 3: UPDATE of the callee: refresh, hold, refusal, resume", {}, async (scene) => {
    await scene.answering("uas_update");
    await scene.calling("uac_call_hung_up");
  });

  reliable.scene(
    "SIP-UPD-1, RFC 3311 §5: the callee changes its port by UPDATE before the answer",
    {},
    async (scene) => {
      await scene.answering("uas_early_update");
      await scene.calling("uac_call", ["-d", "300"]);
    },
  );

  reliable.scene("SIP-UPD-1, RFC 3311 §5: the caller holds by UPDATE before the answer", {}, async (scene) => {
    await scene.answering("uas_early_media_183", ["-d", "2500"]);
    await scene.calling("uac_early_update");
  });

  reliable.scene("SIP-PRK-5, RFC 3262 §5: a new offer in the PRACK is answered in its 200", {}, async (scene) => {
    await scene.answering("uas_early_media_183", ["-d", "2500"]);
    await scene.calling("uac_prack_offer");
  });

  reliable.scene("SIP-PRK-5, SDP-3: INVITE without SDP where 100rel is required", {}, async (scene) => {
    await scene.answering("uas_early_media_183", ["-d", "300"]);
    await scene.calling("uac_prack_delayed");
  });

  reliable.scene("SIP-PRK-4, SIP-DLG-1: forks with reliable answers get a PRACK each", {}, async (scene) => {
    await scene.answering("uas_fork_reliable");
    await scene.calling("uac_call", ["-d", "200"]);
  });

  reliable.scene("SIP-DLG-14: an extension that nobody has is 420", {}, async (scene) => {
    await scene.calling("uac_require_unknown");
  });
});

reliable.verdict();
timers.verdict();
