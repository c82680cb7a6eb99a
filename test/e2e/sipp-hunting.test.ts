/** Redirects, provisional answers, late answers and failover of targets, with SIPp (R-REDIR, R-ORIG, SIP-INV). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createServer } from "node:tls";
import { describe, expect } from "vitest";
import { BASE } from "../support/gateway.ts";
import { headerOf, type Scene, Stage } from "../support/stage.ts";

const stage = new Stage("sipp-hunting", 84, {
  sip: "  ringLimitMs: 2500",
  top: "redirect: { reach: any, denied: [127.84.250.0/24] }",
});
const origination = "origination" as const;
const ONE = { direction: origination, targets: ["sip:{0}:5060?X-Office=East"] };
const FAILOVER = { targets: ["sip:{0}:5060", "sip:{1}:5060"] };
const TWO = { direction: origination, targets: ["sip:{0}:5060", "sip:{1}:5060"] };

/** Codes of the alerts that name a call of the scene. */
async function alertsOf(scene: Scene): Promise<number[]> {
  const sids = new Set((await scene.calls()).map(({ sid }) => sid));
  return stage.gateway.gateway.alerts.all().flatMap(({ callSid, code }) => (sids.has(callSid) ? [code] : []));
}

describe.concurrent("SIPp: redirects", () => {
  stage.scene(
    "R-REDIR-1, 3, 6, 7, 13: the first Contact of a 302 is called, with the headers of the URI and Diversion",
    ONE,
    async (scene) => {
      await scene.answering("uas_302_contacts", [
        "-key",
        "first",
        `sip:new@${scene.callee(1)}:5060;edge=tokyo;tnx=7`,
        "-key",
        "second",
        `sip:${scene.callee(2)}:5060`,
      ]);
      await scene.answering("uas_call", [], { target: 1 });
      await scene.calling("uac_call", ["-d", "100"]);
      const invite = scene.sentTo(scene.callee(1), "INVITE ")[0]!;
      expect(invite.line).toBe(`INVITE sip:new@${scene.callee(1)}:5060 SIP/2.0`);
      expect(headerOf(invite, "X-Office")).toBe("East");
      expect(headerOf(invite, "Diversion")).toContain(`<sip:${scene.dialled}@`);
      expect(scene.sentTo(scene.callee(2), "INVITE ")).toEqual([]);
    },
  );

  stage.scene(
    "R-REDIR-2: a second 302 ends the call with 480; neither its Contact nor the next URI is called",
    TWO,
    async (scene) => {
      await scene.answering("uas_302", ["-key", "target", `sip:${scene.callee(2)}:5060`]);
      await scene.answering("uas_302", ["-key", "target", `sip:${scene.callee(3)}:5060`], { target: 2 });
      await scene.failing(480);
      expect(scene.sentTo(scene.callee(3), "INVITE ")).toEqual([]);
      expect(scene.sentTo(scene.callee(1), "INVITE ")).toEqual([]);
    },
  );

  stage.scene("R-REDIR-3: also when both are in one header", ONE, async (scene) => {
    await scene.answering("uas_302_list", [
      "-key",
      "first",
      `sip:${scene.callee(1)}:5060`,
      "-key",
      "second",
      `sip:${scene.callee(2)}:5060`,
    ]);
    await scene.answering("uas_call", [], { target: 1 });
    await scene.calling("uac_call", ["-d", "100"]);
    expect(scene.sentTo(scene.callee(2), "INVITE ")).toEqual([]);
  });

  stage.scene("R-REDIR-10: a 302 without Contact ends the call", ONE, async (scene) => {
    await scene.answering("uas_302_bare");
    await scene.failing(480);
    expect(await alertsOf(scene)).toContain(32219);
  });

  stage.scene("R-REDIR-10: a 302 to a tel: URI ends the call", ONE, async (scene) => {
    await scene.answering("uas_302", ["-key", "target", "tel:+15550777888"]);
    await scene.failing(480);
    expect(await alertsOf(scene)).toContain(32219);
  });

  stage.scene("R-REDIR-4: a Contact in a domain of the gateway ends the call, alert 32219", TWO, async (scene) => {
    await scene.answering("uas_302", ["-key", "target", `sip:+15550100300@s1.pstn.${BASE}`]);
    await scene.failing(480);
    expect(scene.sentTo(scene.callee(1), "INVITE ")).toEqual([]);
    expect(await alertsOf(scene)).toContain(32219);
  });

  stage.scene("R-REDIR-10: a Contact on the deny list ends the call", ONE, async (scene) => {
    await scene.answering("uas_302", ["-key", "target", "sip:x@127.84.250.9:5060"]);
    await scene.failing(480);
    expect(await alertsOf(scene)).toContain(32219);
  });

  stage.scene(
    "R-REDIR-11: 301 and 305 are not followed, the next URI is tried",
    { direction: origination, targets: ["sip:{0}:5060", "sip:{1}:5060", "sip:{2}:5060"] },
    async (scene) => {
      await scene.answering("uas_301", ["-key", "target", `sip:${scene.callee(3)}:5060`]);
      await scene.answering("uas_305", ["-key", "target", `sip:${scene.callee(3)}:5060`], { target: 1 });
      await scene.answering("uas_call", [], { target: 2 });
      await scene.calling("uac_call", ["-d", "100"]);
      expect(scene.sentTo(scene.callee(3), "INVITE ")).toEqual([]);
    },
  );

  stage.scene("R-REDIR-12: a redirection to somebody silent is left after 4 s for the next URI", TWO, async (scene) => {
    await scene.answering("uas_302", ["-key", "target", `sip:${scene.callee(2)}:5060`]);
    await scene.answering("uas_silent", ["-d", "20000"], { target: 2, ends: false });
    await scene.answering("uas_call", [], { target: 1 });
    await scene.calling("uac_call", ["-d", "100"]);
  });

  stage.scene(
    "R-REDIR-8, R-SEC-17: a secure call stays on TLS and SRTP, whatever transport the Contact names",
    { direction: origination, targets: ["sip:{0}:5061"], trunk: "secure: true, tlsVerify: false" },
    async (scene) => {
      const answer = (request: string, status: string, more: string) =>
        `SIP/2.0 ${status}\r\n${request
          .match(/^(Via|From|To|Call-ID|CSeq):.*$/gim)!
          .join("\n")
          .replaceAll("\r", "")
          .replaceAll("\n", "\r\n")
          .replace(/^(To:.*)$/m, "$1;tag=1")}\r\n${more}Content-Length: 0\r\n\r\n`;
      const invites: string[] = [];
      const parties = [
        {
          address: scene.callee(0),
          status: "302 Moved Temporarily",
          more: `Contact: <sip:x@${scene.callee(1)}:5099;transport=udp>\r\n`,
          port: 5061,
        },
        { address: scene.callee(1), status: "486 Busy Here", more: "", port: 5099 },
      ].map(({ address, port, status, more }) => {
        const pem = (name: string) => readFileSync(join(stage.gateway.folder, name));
        const server = createServer({ cert: pem("cert.pem"), key: pem("key.pem") }, (socket) =>
          socket.on("data", (data) => {
            const text = data.toString();
            if (!text.startsWith("INVITE ")) return;
            invites.push(text);
            socket.write(answer(text, status, more));
          }),
        );
        server.listen(port, address);
        return server;
      });
      try {
        await scene.failing(486);
      } finally {
        for (const party of parties) party.close();
      }
      expect(invites).toHaveLength(2);
      for (const invite of invites) {
        expect(invite).toMatch(/\r\nVia: SIP\/2\.0\/TLS /);
        expect(invite).toMatch(/\r\nm=audio \d+ RTP\/SAVP /);
      }
      expect(invites[1]).toMatch(new RegExp(`^INVITE sip:x@${scene.callee(1)}:5099;transport=tls SIP/2.0\r\n`));
    },
  );
});

describe.concurrent("SIPp: answers that come late", () => {
  stage.scene(
    "R-ORIG-22, SIP-TXN-2: a 200 after 4 s gets ACK and BYE, the call goes on with the next target",
    FAILOVER,
    async (scene) => {
      await scene.answering("uas_late_200", ["-d", "6000"]);
      await scene.answering("uas_call", [], { target: 1 });
      await scene.calling("uac_call", ["-d", "4000"]);
    },
  );

  stage.scene("R-ORIG-22: a 180 after 4 s gets CANCEL", FAILOVER, async (scene) => {
    await scene.answering("uas_late_180", ["-d", "6000"]);
    await scene.answering("uas_call", [], { target: 1 });
    await scene.calling("uac_call", ["-d", "4000"]);
  });
});

describe.concurrent("SIPp: provisional answers and failures of targets", () => {
  stage.scene(
    "R-ORIG-23: 100 and nothing else is given up with CANCEL after the time for ringing",
    TWO,
    async (scene) => {
      await scene.answering("uas_trying_only");
      await scene.answering("uas_call", [], { target: 1 });
      await scene.calling("uac_call", ["-d", "100"]);
    },
  );

  stage.scene(
    "R-ORIG-23, R-ORIG-24: a 487 that comes late does not disturb the next target, which is cancelled with the caller",
    TWO,
    async (scene) => {
      await scene.answering("uas_slow_487", ["-d", "700"]);
      await scene.answering("uas_no_answer", [], { target: 1 });
      await scene.calling("uac_cancel_reason", ["-d", "4000"]);
    },
  );

  stage.scene(
    "R-ORIG-18: a target that answers and hangs up at once has had the call, no other is asked",
    TWO,
    async (scene) => {
      await scene.answering("uas_bye_at_once");
      await scene.calling("uac_call_or_480");
      expect(scene.sentTo(scene.callee(1), "INVITE ")).toEqual([]);
    },
  );

  stage.scene("SIP-INV-6: a target that rings too long is cancelled, and the caller gets 408", {}, async (scene) => {
    await scene.answering("uas_no_answer");
    await scene.failing(408);
  });

  stage.scene(
    "R-MEDIA-12, SIP-INV-3: 183 without SDP, 183 with SDP, 180 and 199 are one early dialog, and answered",
    {},
    async (scene) => {
      await scene.answering("uas_progress_mix");
      await scene.calling("uac_call", ["-d", "200"]);
      const rings = scene.sentTo(scene.caller, "SIP/2.0 18").map(({ line }) => line.slice(8, 11));
      expect(rings).toEqual(["180", "183", "180"]);
    },
  );

  stage.scene("RFC 6228: a 199 that nobody asked for is no ringing", {}, async (scene) => {
    await scene.answering("uas_199_only");
    await scene.failing(486);
    expect(scene.sentTo(scene.caller, "SIP/2.0 18")).toEqual([]);
  });

  stage.scene(
    "SIP-INV-3, R-MEDIA-12: early media of two targets in failover reaches one early dialog with one SDP",
    TWO,
    async (scene) => {
      await scene.answering("uas_early_then_503", ["-d", "500"]);
      await scene.answering("uas_early_media_183", ["-d", "500"], { target: 1 });
      await scene.calling("uac_two_early", ["-d", "300"]);
      const answers = scene.sentTo(scene.caller, "SIP/2.0 ").filter(({ text }) => text.includes("\r\n\r\nv=0"));
      expect(new Set(answers.map((answer) => headerOf(answer, "To"))).size).toBe(1);
      expect(new Set(answers.map(({ text }) => text.slice(text.indexOf("\r\n\r\n")))).size).toBe(1);
      const audio = scene
        .datagrams()
        .filter(({ from, to, payload }) => from === stage.address && to === scene.caller && payload.length === 172);
      expect(audio.length).toBeGreaterThan(30);
    },
  );

  stage.scene("SIP-INV-4: the Reason of a carrier's answer is passed to the PBX", {}, async (scene) => {
    await scene.answering("uas_reject_reason");
    await scene.failing(486);
    expect(headerOf(scene.sentTo(scene.caller, "SIP/2.0 486")[0]!, "Reason")).toBe('Q.850;cause=17;text="user busy"');
  });

  stage.scene("SIP-INV-4: the Reason of a PBX's answer is passed to the carrier", ONE, async (scene) => {
    await scene.answering("uas_reject_reason");
    await scene.failing(486);
    expect(headerOf(scene.sentTo(scene.caller, "SIP/2.0 486")[0]!, "Reason")).toBe('Q.850;cause=17;text="user busy"');
  });

  stage.scene("R-ORIG-18, SIP-INV-4: 503 of the only target is 500 for the caller", {}, async (scene) => {
    await scene.answering("uas_503_retry");
    await scene.failing(500);
  });

  stage.scene("SIP-OVL-3: a target that answers 503 with Retry-After is left out for that time", TWO, async (scene) => {
    await scene.answering("uas_503_retry");
    await scene.answering("uas_call", ["-m", "2"], { target: 1 });
    await scene.calling("uac_call", ["-d", "100"]);
    await scene.calling("uac_call", ["-d", "100"]);
    expect(scene.sentTo(scene.callee(), "INVITE ")).toHaveLength(1);
  });
});

stage.verdict();
