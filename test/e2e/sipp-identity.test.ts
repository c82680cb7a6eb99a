/** Who calls, who was called first, who has to prove it, and by which road, with SIPp (SIP-ID, R-CID, R-ORIG-5, SIP-AUTH, SIP-DLG). */
import { describe, expect } from "vitest";
import { BASE } from "../support/gateway.ts";
import { headerOf, type Scene, type SeenMessage, Stage } from "../support/stage.ts";

const stage = new Stage("sipp-identity", 86);
const origination = { direction: "origination" } as const;
const TALK = ["-d", "100"];

const inviteTo = (scene: Scene): SeenMessage => scene.sentTo(scene.callee(), "INVITE ")[0]!;

describe.concurrent("SIPp: caller, privacy, diversion", () => {
  stage.scene(
    "SIP-ID-1, SIP-DLG-12: the caller's number is in From; nothing of the other leg is in the INVITE",
    {},
    async (scene) => {
      await scene.answering("uas_call");
      await scene.calling("uac_call", TALK);
      const invite = inviteTo(scene);
      expect(headerOf(invite, "From")).toMatch(/<sip:\+15550100200@/);
      const theirs = scene.messages().find(({ from, line }) => from === scene.caller && line.startsWith("INVITE "))!;
      expect(invite.text).not.toContain(scene.caller);
      expect(invite.text).not.toContain(headerOf(theirs, "Call-ID")!);
      for (const name of ["Privacy", "P-Asserted-Identity", "Diversion"])
        expect(headerOf(invite, name)).toBeUndefined();
    },
  );

  stage.scene(
    "SIP-ID-4, R-CID-5, SIP-ID-2, SIP-ID-7, SIP-ID-10: Privacy: id hides the number from an untrusted carrier",
    {},
    async (scene) => {
      await scene.answering("uas_call");
      await scene.calling("uac_private", TALK);
      const invite = inviteTo(scene);
      expect(headerOf(invite, "From")).toMatch(/^"?Anonymous"? <sip:anonymous@anonymous\.invalid>;tag=/);
      expect(invite.text).not.toContain("+15550100200");
      expect(headerOf(invite, "Privacy")).toBe("id");
      for (const name of ["P-Asserted-Identity", "P-Charging-Vector", "X-Inner"])
        expect(headerOf(invite, name)).toBeUndefined();
      // R-CID-5: policy and records know the number.
      const numbers = await scene.calls();
      expect(numbers.map(({ details }) => details.from)).toContain("+15550100200");
    },
  );

  stage.scene(
    "SIP-ID-1, SIP-ID-4, SIP-ID-10, R-CID-5: a trusted carrier is told the number and that it is private, and an X- header that is let through",
    { carrier: "trusted: true, passHeaders: [X-Inner]" },
    async (scene) => {
      await scene.answering("uas_call");
      await scene.calling("uac_private", TALK);
      const invite = inviteTo(scene);
      expect(headerOf(invite, "P-Asserted-Identity")).toMatch(/<sip:\+15550100200@/);
      expect(headerOf(invite, "Privacy")).toBe("id");
      // R-CID-5: anonymous to all but trusted links.
      expect(headerOf(invite, "From")).toMatch(/<sip:\+15550100200@/);
      expect(headerOf(invite, "X-Inner")).toBe("secret");
      expect(headerOf(invite, "P-Charging-Vector")).toBeUndefined();
    },
  );

  stage.scene(
    "R-CID-2: without a number in From it is that of Remote-Party-ID before that of P-Asserted-Identity",
    {},
    async (scene) => {
      await scene.answering("uas_call");
      await scene.calling("uac_rpid", TALK);
      const numbers = await scene.calls();
      expect(numbers.map(({ details }) => details.from)).toContain("+15550100200");
      // SIP-ID-5: what came malformed is left out.
      expect(headerOf(inviteTo(scene), "Diversion")).toBeUndefined();
    },
  );

  stage.scene("SIP-ID-4: a critical privacy that nobody knows is 500, and no callee is asked", {}, async (scene) => {
    await scene.calling("uac_critical");
    expect(scene.sentTo(scene.callee(), "INVITE ")).toEqual([]);
  });

  stage.scene(
    "R-ORIG-5, SIP-ID-5: origination carries the dialled number in Diversion, above what was there",
    origination,
    async (scene) => {
      await scene.answering("uas_call");
      await scene.calling("uac_private", TALK);
      const values = inviteTo(scene)
        .text.match(/^Diversion: .*$/gm)!
        .join(", ");
      expect(values).toMatch(
        new RegExp(
          `^Diversion: <sip:\\${scene.dialled}@s\\d+\\.pstn\\.${BASE.replace(".", "\\.")}>;reason=unconditional`,
        ),
      );
      expect(values).toMatch(/<sip:\+15550100999@[^>]*>;.*reason=no-answer/);
      expect(values.indexOf(scene.dialled)).toBeLessThan(values.indexOf("+15550100999"));
    },
  );
});

describe.concurrent("SIPp: challenges of a carrier", () => {
  const carrier = 'targetUsername: "trunk1", targetPassword: "s3cret-Word-9"';
  const login = ["-key", "auser", "trunk1", "-key", "apass", "s3cret-Word-9", "-d", "50"];

  stage.scene("SIP-AUTH-7: 401 is answered, and SIPp verifies the digest", { carrier }, async (scene) => {
    await scene.answering("uas_digest_401", login);
    await scene.calling("uac_call", ["-d", "100"]);
    const invites = scene.sentTo(scene.callee(), "INVITE ");
    expect(new Set(invites.map((invite) => headerOf(invite, "Call-ID"))).size).toBe(1);
    expect(invites.map((invite) => headerOf(invite, "CSeq"))).toEqual(["1 INVITE", "2 INVITE"]);
    // RFC 3261 §13.2.2.4: the ACK to the 2xx carries the credentials of the INVITE.
    expect(
      scene.sentTo(scene.callee(), "ACK ").filter((ack) => headerOf(ack, "Authorization") !== undefined),
    ).toHaveLength(1);
  });

  stage.scene("SIP-AUTH-7: 407 likewise", { carrier }, async (scene) => {
    await scene.answering("uas_digest_407", ["-key", "auser", "trunk1", "-d", "50"]);
    await scene.calling("uac_call", ["-d", "100"]);
  });

  stage.scene(
    "SIP-AUTH-7, SIP-AUTH-8: of several challenges the first that can be answered",
    { carrier },
    async (scene) => {
      await scene.answering("uas_challenges");
      await scene.calling("uac_call", ["-d", "100"]);
    },
  );

  stage.scene("SIP-AUTH-3, SIP-AUTH-7: a stale nonce is no refusal", { carrier }, async (scene) => {
    await scene.answering("uas_stale");
    await scene.calling("uac_call", ["-d", "100"]);
  });

  stage.scene(
    "SIP-AUTH-7, SIP-INV-4: a wrong password is 403 for the caller",
    { carrier: 'targetUsername: "trunk1", targetPassword: "wrong-Word-9999"' },
    async (scene) => {
      await scene.answering("uas_digest_401", login);
      await scene.failing(403);
    },
  );

  stage.scene("SIP-INV-4: a challenge without credentials to offer is 403 for the caller", {}, async (scene) => {
    await scene.answering("uas_digest_401", login, { ends: false });
    await scene.failing(403);
  });
});

describe.concurrent("SIPp: routes and targets", () => {
  stage.scene("SIP-DLG-2, SIP-DLG-3: Record-Route of the callee's side with lr", {}, async (scene) => {
    await scene.answering("uas_record_route");
    await scene.calling("uac_call", TALK);
  });

  stage.scene("SIP-DLG-3: and of a strict router", {}, async (scene) => {
    await scene.answering("uas_strict_route");
    await scene.calling("uac_call", TALK);
  });

  stage.scene("SIP-DLG-2, SIP-DLG-5: Record-Route of the caller's side comes back and is used", {}, async (scene) => {
    await scene.answering("uas_hangup", ["-d", "600"]);
    await scene.calling("uac_record_route");
    expect(inviteTo(scene).text).not.toMatch(/^(Record-)?Route:/m);
  });

  stage.scene("SIP-DLG-6: a Contact that a re-INVITE changed is where the BYE goes", {}, async (scene) => {
    await scene.answering("uas_hangup", ["-d", "800"]);
    await scene.answering("uas_bye_only", [], { address: scene.caller, port: 5099, target: 5 });
    await scene.calling("uac_target_refresh", ["-key", "moved", "5099"]);
  });
});

stage.verdict();
