/** Transfer by REFER and by Replaces with SIPp (R-XFER, SIP-REF). Audio of transfers is in transfer.test.ts; here each party is SIPp. */
import { describe, expect } from "vitest";
import { until } from "../support/gateway.ts";
import { headerOf, type Scene, Stage } from "../support/stage.ts";

const stage = new Stage("sipp-transfer", 87, { top: "redirect: { reach: any }" });
const ON = { trunk: "transferMode: enable-all" };

/** Where the REFER leads: the third party. */
const target = (scene: Scene, more = ""): string[] => ["-key", "target", `sip:bob@${scene.callee(1)}:5060${more}`];

describe.concurrent("SIPp: blind transfer", () => {
  stage.scene(
    "R-XFER-1, 3, 7, 9, SIP-REF-2, 5: 202, NOTIFYs, INVITE to the target, BYE to the transferor",
    ON,
    async (scene) => {
      await scene.answering("uas_call");
      await scene.answering("uas_call_checked", ["-d", "400"], { target: 1 });
      await scene.calling("uac_transfer", [...target(scene, "?X-Ticket=42&Subject=no&User-to-User=56a0"), "-d", "200"]);
      // The transferee is shown, which is the called number.
      expect(headerOf(scene.sentTo(scene.callee(1), "INVITE ")[0]!, "From")).toContain(scene.dialled);
      expect(scene.sentTo(scene.callee(), "REFER ")).toEqual([]);
    },
  );

  stage.scene(
    "R-XFER-7: shown is the transferor where the trunk says so; R-XFER-3: it may hang up itself",
    { trunk: "transferMode: sip-only, transferCallerId: from-transferor" },
    async (scene) => {
      await scene.answering("uas_call");
      await scene.answering("uas_hangup", ["-d", "400"], { target: 1 });
      await scene.calling("uac_transfer_bye", target(scene));
      expect(headerOf(scene.sentTo(scene.callee(1), "INVITE ")[0]!, "From")).toContain("+15550100200");
    },
  );

  stage.scene(
    "R-XFER-4, SIP-REF-2: the target is busy: NOTIFY 486, the call goes on, the second REFER has an id",
    ON,
    async (scene) => {
      await scene.answering("uas_call");
      await scene.answering("uas_reject", ["-key", "code", "486", "-m", "2"], { target: 1 });
      await scene.calling("uac_transfer_fails", [...target(scene), "-d", "200"]);
    },
  );

  stage.scene(
    "R-XFER-5: the transferor hangs up while the target rings: CANCEL, and BYE to the other party",
    ON,
    async (scene) => {
      await scene.answering("uas_call");
      await scene.answering("uas_no_answer", [], { target: 1 });
      await scene.calling("uac_transfer_left", [...target(scene), "-d", "1500"]);
    },
  );

  stage.scene("R-XFER-11: transfers are off by default: 403, and the call goes on", {}, async (scene) => {
    await scene.answering("uas_call");
    await scene.calling("uac_transfer_refused", [...target(scene), "-d", "100"]);
    expect(scene.sentTo(scene.callee(1), "INVITE ")).toEqual([]);
  });

  stage.scene(
    "R-XFER-2: a number is 403 on a trunk that transfers to SIP targets only",
    { trunk: "transferMode: sip-only" },
    async (scene) => {
      await scene.answering("uas_call");
      await scene.calling("uac_transfer_refused", ["-key", "target", "tel:+15550777888", "-d", "100"]);
    },
  );

  stage.scene("R-XFER-2: a number leaves by the carrier link on a trunk that permits all", ON, async (scene) => {
    await scene.answering("uas_call_patient", ["-m", "2"]);
    await scene.calling("uac_transfer", ["-key", "target", "tel:+15550777888", "-d", "2000"]);
    expect(scene.sentTo(scene.callee(), "INVITE ")[1]!.line).toMatch(/^INVITE sip:\+15550777888@/);
  });

  stage.scene(
    "SIP-REF-1, 4, 8, R-XFER-6: REFER, SUBSCRIBE and NOTIFY that cannot be right; the call goes on",
    ON,
    async (scene) => {
      await scene.answering("uas_call");
      await scene.calling("uac_refer_errors", target(scene));
      expect(scene.sentTo(scene.callee(1), "INVITE ")).toEqual([]);
    },
  );

  stage.scene("SIP-REF-9: a second REFER while one is under way is 491", ON, async (scene) => {
    await scene.answering("uas_call");
    await scene.answering("uas_no_answer", [], { target: 1 });
    await scene.calling("uac_transfer_twice", [...target(scene), "-d", "1500"]);
  });

  stage.scene("SIP-REF-3, RFC 4488: Refer-Sub: false", ON, async (scene) => {
    await scene.answering("uas_call");
    await scene.answering("uas_hangup", ["-d", "600"], { target: 1 });
    await scene.calling("uac_transfer_quiet", target(scene));
    expect(scene.sentTo(scene.caller, "NOTIFY ")).toEqual([]);
  });

  stage.scene(
    "R-XFER-1: the PBX on an origination call transfers",
    { direction: "origination", ...ON },
    async (scene) => {
      await scene.answering("uas_transfer", target(scene));
      await scene.answering("uas_hangup", ["-d", "500"], { target: 1 });
      await scene.calling("uac_call_hung_up");
    },
  );
});

describe.concurrent("SIPp: INVITE with Replaces", () => {
  stage.scene("SIP-REF-7, RFC 3891 §3: takes the place of a party, which gets BYE", ON, async (scene) => {
    await scene.answering("uas_call");
    const replaced = scene.calling("uac_call_hung_up");
    const answered = () => scene.sentTo(scene.caller, "SIP/2.0 200")[0];
    await until(() => answered() !== undefined, "the first call");
    const tag = (name: string) => /;tag=([^;]+)/.exec(headerOf(answered()!, name)!)![1];
    const replaces = `${headerOf(answered()!, "Call-ID")};to-tag=${tag("To")};from-tag=${tag("From")}`;
    await scene.calling("uac_replaces", ["-key", "replaces", replaces, "-d", "300"]);
    await replaced;
    expect(scene.sentTo(scene.callee(), "INVITE ")).toHaveLength(1);
  });

  stage.scene("SIP-REF-7: a dialog that nobody has is 481", ON, async (scene) => {
    await scene.calling("uac_replaces_nobody");
  });
});

stage.verdict();
