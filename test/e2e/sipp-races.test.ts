/** What crosses, comes twice, comes late or gets lost, with SIPp (RFC 3261 §9, §13 to §15, §17; SIP-TXN, SIP-INV, SIP-CAN, SIP-DLG). */
import { describe, expect } from "vitest";
import { headerOf, type Scene, Stage } from "../support/stage.ts";

const stage = new Stage("sipp-races", 83, { sip: "  t1Ms: 100" });

/** INVITEs of the gateway that are no repeats. */
function invitesTo(scene: Scene, address: string): number {
  return new Set(scene.sentTo(address, "INVITE ").map((invite) => headerOf(invite, "Via"))).size;
}

describe.concurrent("SIPp: forks", () => {
  stage.scene(
    "SIP-INV-2: of two 200s the first wins, the second gets one ACK a time and one BYE",
    {},
    async (scene) => {
      await scene.answering("uas_fork_200");
      await scene.calling("uac_call", ["-d", "600"]);
      expect(
        scene.sentTo(scene.caller, "SIP/2.0 200").filter((ok) => headerOf(ok, "CSeq") === "1 INVITE"),
      ).toHaveLength(1);
    },
  );

  stage.scene("SIP-INV-3, SIP-DLG-1: 18x under three To tags are one dialog for the caller", {}, async (scene) => {
    await scene.answering("uas_fork_18x");
    await scene.calling("uac_call", ["-d", "300"]);
    const tags = scene
      .sentTo(scene.caller, "SIP/2.0")
      .map((answer) => /;tag=(\w+)/.exec(headerOf(answer, "To") ?? "")?.[1]);
    expect(new Set(tags.filter((tag) => tag !== undefined)).size).toBe(1);
  });
});

describe.concurrent("SIPp: requests that come twice", () => {
  stage.scene("SIP-TXN-10: a merged request is 482, and the callee is called once", {}, async (scene) => {
    await scene.answering("uas_answer_delay", ["-d", "1500"]);
    await scene.calling("uac_merged");
    expect(invitesTo(scene, scene.callee())).toBe(1);
  });

  stage.scene(
    "SIP-TXN-5, SIP-TXN-13: a repeated INVITE gets its last answer again, and the callee is called once",
    {},
    async (scene) => {
      await scene.answering("uas_answer_delay", ["-d", "2000"]);
      await scene.calling("uac_repeated", ["-nr"]);
      expect(invitesTo(scene, scene.callee())).toBe(1);
    },
  );

  stage.scene("SIP-INV-7: an INVITE in the early dialog is 500 with Retry-After", {}, async (scene) => {
    await scene.answering("uas_answer_delay", ["-d", "1500"]);
    await scene.calling("uac_invite_twice");
  });
});

describe.concurrent("SIPp: CANCEL", () => {
  stage.scene(
    "SIP-CAN-2, SIP-CAN-4: a 200 that crosses the CANCEL gets ACK and BYE; the Reason was passed on",
    {},
    async (scene) => {
      await scene.answering("uas_answer_to_cancel");
      await scene.calling("uac_cancel_reason", ["-d", "300"]);
    },
  );

  stage.scene("SIP-CAN-1: before the first 1xx no CANCEL is sent, with it at once", {}, async (scene) => {
    await scene.answering("uas_slow_1xx", ["-d", "1500"]);
    await scene.calling("uac_cancel_unheard", ["-d", "300"]);
    await scene.end();
    const ringing = scene
      .messages()
      .find(({ from, line }) => from === scene.callee() && line === "SIP/2.0 180 Ringing")!;
    for (const cancel of scene.sentTo(scene.callee(), "CANCEL ")) expect(cancel.at).toBeGreaterThan(ringing.at);
  });

  stage.scene(
    "SIP-CAN-1, SIP-CAN-2: a callee that never says a word gets no CANCEL, and is forgotten",
    {},
    async (scene) => {
      await scene.answering("uas_silent", ["-d", "20000"], { ends: false });
      await scene.calling("uac_cancel_unheard", ["-d", "300"]);
      expect(scene.sentTo(scene.callee(), "CANCEL ")).toEqual([]);
    },
  );

  stage.scene("SIP-CAN-3: a CANCEL for nothing is 481", {}, async (scene) => {
    await scene.calling("uac_cancel_nothing");
  });

  stage.scene("SIP-CAN-3: a CANCEL behind the 200 has no effect", {}, async (scene) => {
    await scene.answering("uas_call");
    await scene.calling("uac_cancel_after_200");
  });

  stage.scene("RFC 3261 §9.2: a CANCEL for a re-INVITE leaves the call up", {}, async (scene) => {
    await scene.answering("uas_call");
    await scene.calling("uac_cancel_reinvite");
  });

  stage.scene("SIP-INV-9: BYE in the early dialog cancels the call", {}, async (scene) => {
    await scene.answering("uas_no_answer");
    await scene.calling("uac_bye_early", ["-d", "200"]);
  });

  stage.scene("SIP-INV-5: an INVITE that expires is 487, and CANCEL onwards", {}, async (scene) => {
    await scene.answering("uas_no_answer");
    await scene.calling("uac_expires");
  });
});

describe.concurrent("SIPp: what gets lost", () => {
  stage.scene("SIP-TXN-6: 200 is repeated until the ACK comes", {}, async (scene) => {
    await scene.answering("uas_call");
    await scene.calling("uac_ack_late", ["-d", "1000"]);
    const answers = scene.sentTo(scene.caller, "SIP/2.0 200").filter((ok) => headerOf(ok, "CSeq") === "1 INVITE");
    // At 0, 100, 300 and 700 ms.
    expect(answers.length).toBeGreaterThanOrEqual(4);
  });

  stage.scene("SIP-TXN-6: without an ACK both sides get BYE after 64·T1", {}, async (scene) => {
    await scene.answering("uas_call");
    await scene.calling("uac_ack_never");
  });

  stage.scene(
    "SIP-INV-7, SIP-TXN-6: without an ACK to the re-INVITE as well; another one before it is 500",
    {},
    async (scene) => {
      await scene.answering("uas_call");
      await scene.calling("uac_reinvite_ack_never");
    },
  );

  stage.scene("SIP-INV-9: no BYE before the ACK, though the callee has hung up", {}, async (scene) => {
    await scene.answering("uas_hangup", ["-d", "200"]);
    await scene.calling("uac_ack_before_bye", ["-d", "1500"]);
  });

  stage.scene("RFC 3261 §15.1.2: BYE of both sides at once", {}, async (scene) => {
    await scene.answering("uas_bye_crossing");
    await scene.calling("uac_call", ["-d", "200"]);
  });

  stage.scene("SIP-INV-10: a BYE that nobody answers is repeated and holds nobody up", {}, async (scene) => {
    await scene.answering("uas_bye_unanswered", ["-d", "1200"]);
    await scene.calling("uac_call", ["-d", "200"]);
    await scene.end();
    expect(scene.sentTo(scene.callee(), "BYE ").length).toBeGreaterThanOrEqual(3);
  });

  stage.scene("SIP-TXN-3, SIP-TXN-4: a 200 that comes again gets the same ACK again", {}, async (scene) => {
    await scene.answering("uas_ack_ignored", ["-nr", "-d", "300"]);
    await scene.calling("uac_call", ["-d", "800"]);
    const acks = scene.sentTo(scene.callee(), "ACK ");
    expect(acks.length).toBe(2);
    expect(acks[1]!.text).toBe(acks[0]!.text);
  });
});

describe.concurrent("SIPp: order in the dialog", () => {
  stage.scene(
    "SIP-DLG-7, SIP-DLG-8, SIP-INV-11: lower CSeq 500, unknown tags 481, INFO outside 481",
    {},
    async (scene) => {
      await scene.answering("uas_call");
      await scene.calling("uac_dialog_errors");
      expect(scene.sentTo(scene.callee(), "BYE ").length).toBeGreaterThanOrEqual(1);
    },
  );

  stage.scene("SIP-DLG-11: Max-Forwards: 0 is 483", {}, async (scene) => {
    await scene.calling("uac_max_forwards");
    expect(scene.sentTo(scene.callee(), "INVITE ")).toEqual([]);
  });

  stage.scene("SDP-9: both sides send a re-INVITE at once: each leg is a dialog of its own", {}, async (scene) => {
    await scene.answering("uas_reinvite_at_once");
    await scene.calling("uac_reinvite_at_once", ["-d", "300"]);
  });
});

stage.verdict();
