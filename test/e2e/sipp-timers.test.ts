/** Session timers and glare with SIPp (RFC 4028, RFC 3261 §14; SIP-TMR, SIP-INV-7). The longest scene waits for 45 s, half of the shortest interval. */
import { describe, expect } from "vitest";
import { headerOf, type Scene, Stage } from "../support/stage.ts";

const stage = new Stage("sipp-timers", 85);

/** Seconds between the 200 to the first INVITE and a request of the gateway. */
function waited(scene: Scene, address: string, request: string): number {
  const answer = scene
    .messages()
    .find((message) => message.line === "SIP/2.0 200 OK" && headerOf(message, "CSeq")!.endsWith(" INVITE"))!;
  return scene.sentTo(address, request).filter(({ at }) => at > answer.at)[0]!.at - answer.at;
}

describe.concurrent("SIPp: session timers", () => {
  stage.scene(
    "SIP-TMR-4: the gateway refreshes a session of 90 s that the caller left to it after 45 s",
    {},
    async (scene) => {
      await scene.answering("uas_call");
      await scene.calling("uac_timer_uas_refreshes");
      expect(waited(scene, scene.caller, "UPDATE ")).toBeGreaterThan(44.9);
    },
  );

  stage.scene("SIP-INV-7: glare: 491 to both sides, the gateway asks again 2.1 to 4 s later", {}, async (scene) => {
    await scene.answering("uas_glare");
    await scene.calling("uac_call_hung_up");
    const invites = scene.sentTo(scene.callee(), "INVITE ").filter(({ text }) => /\r\nTo:[^\r]*;tag=/.test(text));
    const attempts = new Map(invites.map((invite) => [headerOf(invite, "CSeq"), invite.at]));
    expect(attempts.size).toBe(2);
    const [first, second] = [...attempts.values()];
    // Never earlier; later only when the machine is slow.
    expect(second! - first!).toBeGreaterThan(2);
  });

  stage.scene("SIP-TMR-2: an interval of 60 s is 422 with Min-SE 90, one of 90 s is taken", {}, async (scene) => {
    await scene.answering("uas_call");
    await scene.calling("uac_timer_422", ["-d", "100"]);
  });

  stage.scene("SIP-TMR-2: a caller without session timers gets a gateway that refreshes", {}, async (scene) => {
    await scene.answering("uas_call");
    await scene.calling("uac_timer_unsupported", ["-d", "100"]);
  });

  stage.scene("SIP-TMR-3: 422 of the callee is answered with its Min-SE, in the same Call-ID", {}, async (scene) => {
    await scene.answering("uas_timer_422");
    await scene.calling("uac_call", ["-d", "100"]);
    const invites = scene.sentTo(scene.callee(), "INVITE ");
    expect(new Set(invites.map((invite) => headerOf(invite, "Call-ID"))).size).toBe(1);
  });

  stage.scene("SIP-TMR-4: the gateway refreshes by UPDATE at half of the interval", {}, async (scene) => {
    await scene.answering("uas_timer_update");
    await scene.calling("uac_call", ["-d", "5000"]);
  });

  stage.scene("SIP-TMR-4, SDP-10: or by re-INVITE with the same SDP where UPDATE is not allowed", {}, async (scene) => {
    await scene.answering("uas_timer_reinvite");
    await scene.calling("uac_call", ["-d", "5000"]);
    const offers = scene.sentTo(scene.callee(), "INVITE ").map(({ text }) => text.slice(text.indexOf("\r\n\r\n")));
    expect(offers.length).toBeGreaterThanOrEqual(3);
    // The first offer had both codecs: what is repeated is what was agreed since.
    expect(new Set(offers).size).toBeLessThanOrEqual(2);
    expect(new Set(offers.slice(1)).size).toBe(1);
  });

  stage.scene("SIP-TMR-4: a callee that answers the UPDATE with 405 is refreshed by re-INVITE", {}, async (scene) => {
    await scene.answering("uas_timer_no_update");
    await scene.calling("uac_call", ["-d", "3500"]);
  });

  stage.scene(
    "SIP-UPD-2, SIP-UPD-3: UPDATE with an offer while ours is open is 491, one without is 200",
    {},
    async (scene) => {
      await scene.answering("uas_update_glare");
      await scene.calling("uac_call", ["-d", "4500"]);
    },
  );

  stage.scene(
    "SIP-TMR-5: a callee that does not refresh gets BYE before the end of the interval, the caller too",
    {},
    async (scene) => {
      await scene.answering("uas_timer_expires");
      await scene.calling("uac_call_hung_up");
      // 6 s less a third.
      expect(waited(scene, scene.callee(), "BYE ")).toBeGreaterThan(3.9);
    },
  );

  stage.scene(
    "SIP-TMR-4, SIP-TMR-6: a callee that refreshes keeps the session; the caller does not notice",
    {},
    async (scene) => {
      await scene.answering("uas_timer_refreshes");
      await scene.calling("uac_call", ["-d", "6500"]);
      expect(scene.sentTo(scene.caller, "UPDATE ")).toEqual([]);
    },
  );

  stage.scene("SIP-DLG-9: 481 to the refresh ends the call on both sides", {}, async (scene) => {
    await scene.answering("uas_timer_481");
    await scene.calling("uac_call_hung_up");
  });
});

stage.verdict();
