/** Health checks of peers: OPTIONS by SIPp over UDP and TCP, its rate, CRLF pings (R-KEEP-1 to R-KEEP-5); and a gateway without 100rel. */
import { connect } from "node:net";
import { describe, expect } from "vitest";
import { until } from "../support/gateway.ts";
import { headerOf, Stage } from "../support/stage.ts";

// One OPTIONS a second after a burst of five; the default is one in 10 s (R-KEEP-2). Without 100rel (SIP-PRK-2).
const stage = new Stage("sipp-options", 88, { sip: "  optionsRefillMs: 1000\n  reliableProvisional: false" });

describe.concurrent("SIPp: OPTIONS and pings", () => {
  stage.scene("R-KEEP-1: OPTIONS over UDP is 200 with Allow, Accept and Supported", {}, async (scene) => {
    await scene.calling("uac_options_limited");
    expect(scene.sentTo(scene.caller, "SIP/2.0 200")).toHaveLength(1);
  });

  stage.scene("R-KEEP-1: and over TCP", {}, async (scene) => {
    await scene.calling("uac_options", ["-t", "t1"]);
  });

  stage.scene(
    "R-KEEP-2: of thirty in one second about five are answered; a call goes through meanwhile",
    {},
    async (scene) => {
      await scene.answering("uas_call");
      const probes = scene.calling("uac_options_limited", ["-m", "30", "-r", "30"]);
      await scene.calling("uac_call", ["-d", "100"]);
      await probes;
      const asked = scene.messages().filter(({ line }) => line.startsWith("OPTIONS "));
      const answered = scene
        .sentTo(scene.caller, "SIP/2.0 200")
        .filter((answer) => headerOf(answer, "CSeq") === "1 OPTIONS");
      expect(asked.length).toBeGreaterThanOrEqual(30);
      // Five, and one more for each second that it took.
      const seconds = Math.max(asked.at(-1)!.at, answered.at(-1)!.at) - asked[0]!.at;
      expect(answered.length).toBeGreaterThanOrEqual(5);
      expect(answered.length).toBeLessThanOrEqual(6 + Math.ceil(seconds));
    },
  );

  stage.scene("R-KEEP-3: with an access list only listed sources are answered", {}, async (scene) => {
    await scene.calling("uac_options_limited", [], { address: scene.callee(4) });
    expect(scene.sentTo(scene.callee(4), "SIP/2.0 ")).toEqual([]);
  });

  stage.scene(
    "R-KEEP-4, R-KEEP-5: double CRLF gets one CRLF each time, between messages only, and not on account of OPTIONS",
    {},
    async (scene) => {
      const socket = connect({ host: stage.address, port: 5060, localAddress: scene.caller });
      let got = "";
      socket.setEncoding("latin1");
      socket.on("data", (text) => {
        got += text;
      });
      try {
        for (let pings = 1; pings <= 20; pings++) {
          socket.write("\r\n\r\n");
          await until(() => got.length >= 2 * pings, `pong ${pings}`);
        }
        expect(got).toBe("\r\n".repeat(20));
        // A ping inside of a body is body: the answer to the OPTIONS is all that comes.
        got = "";
        const request = `OPTIONS sip:${scene.domain} SIP/2.0\r\nVia: SIP/2.0/TCP ${scene.caller}:5060;branch=z9hG4bKping\r\nFrom: <sip:a@${scene.caller}>;tag=1\r\nTo: <sip:${scene.domain}>\r\nCall-ID: ping\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\nab`;
        socket.write(request);
        socket.write("\r\n\r\n");
        socket.write("cd");
        await until(() => got.includes("\r\n\r\n"), "the answer");
        expect(got).toMatch(/^SIP\/2\.0 (200|415) /);
        socket.write("\r\n\r\n");
        await until(() => got.endsWith("\r\n\r\n\r\n"), "the pong behind it");
      } finally {
        socket.destroy();
      }
    },
  );

  stage.scene("SIP-PRK-2: 100rel required where it is switched off is 420", {}, async (scene) => {
    await scene.calling("uac_100rel_refused");
  });
});

stage.verdict();
