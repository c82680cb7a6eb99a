/**
 * The disaster recovery URL of a trunk, with SIPp as the targets that fail and as the carrier that hears what is played (R-DR-1 to
 * R-DR-5), and what a record and a counter keep of it (R-ORIG-26, R-GEN-11).
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect } from "vitest";
import { makeCertificates } from "../../src/cli/demo/certificates.ts";
import { melody } from "../../src/cli/demo/melody.ts";
import { toUlaw } from "../../src/simulator/tones.ts";
import { until } from "../support/gateway.ts";
import { accountOf, formOf, gatewayClient } from "../support/gateway-client.ts";
import { HttpPeer, type SeenRequest } from "../support/http-peer.ts";
import { type Scene, Stage } from "../support/stage.ts";
import { pcm16, wavFile } from "../support/wav-file.ts";
import { audioOf, mediaIn, streamFrom } from "../support/wire-audio.ts";

const folder = mkdtempSync(join(tmpdir(), "tandem-dr-"));
const records = join(folder, "calls.jsonl");
const tune = melody();
const certificates = await makeCertificates(["localhost"]);
const caFile = join(folder, "ca.pem");
writeFileSync(caFile, certificates.caPem);

function answer({ url }: SeenRequest, response: ServerResponse<IncomingMessage>): void {
  if (url.startsWith("/tune.wav")) response.setHeader("Content-Type", "audio/wav").end(wavFile(pcm16([...tune])));
  else if (url.startsWith("/no-twiml"))
    response.setHeader("Content-Type", "text/xml").end("<Response><Play></Response>");
  else
    response
      .setHeader("Content-Type", "text/xml")
      .end("<Response><Play>/tune.wav</Play><Pause length='30'/></Response>");
}
const plain = await HttpPeer.start(answer);
const secure = await HttpPeer.start(answer, { cert: certificates.certPem, key: certificates.keyPem });
/** A port that nobody listens on. */
const closed = await new Promise<number>((done) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address() as { port: number };
    server.close(() => done(port));
  });
});

const stage = new Stage("disaster-recovery", 97, {
  sip: "  noAnswerMs: 3000",
  webhooks: `, caFile: ${caFile}`,
  top: `records: { file: ${records} }`,
});
afterAll(async () => {
  await plain.stop();
  await secure.stop();
  rmSync(folder, { recursive: true, force: true });
});

const direction = "origination" as const;
const TWO = ["sip:{0}:5060", "sip:{1}:5060"];
const recovery = (url: string, method = "POST"): string =>
  `disasterRecoveryUrl: "${url}", disasterRecoveryMethod: ${method}`;
const seen = (path: string) => [...plain.seen, ...secure.seen].filter(({ url }) => url.split("?")[0] === path);
const trunkOf = (scene: Scene) =>
  [...stage.gateway.gateway.store.list("trunks")].find(({ domainName }) => scene.domain.startsWith(`${domainName}.`))!;
const refuse = (code: number): string[] => ["-key", "code", String(code)];

describe.concurrent("SIPp: disaster recovery", () => {
  stage.scene(
    "R-DR-1, R-DR-2, R-DR-3: both targets answer 503, the URL is asked, and the caller hears what it plays",
    { direction, targets: TWO, trunk: recovery(plain.url("/both-down")) },
    async (scene) => {
      await scene.answering("uas_reject", refuse(503));
      await scene.answering("uas_reject", refuse(503), { target: 1 });
      await scene.calling("uac_call", ["-d", "2500"]);
      const asked = seen("/both-down");
      expect(asked).toHaveLength(1);
      const [call] = (await scene.calls()).filter(({ details }) => details.parentSid === undefined);
      expect(formOf(asked[0]!)).toMatchObject({
        CallSid: call!.sid,
        AccountSid: accountOf(stage.gateway),
        From: "+15550100200",
        To: scene.dialled,
        CallStatus: "ringing",
        Direction: "inbound",
        ApiVersion: "2010-04-01",
        TrunkSid: trunkOf(scene).sid,
        LastSipResponseCode: "503",
      });
      expect(asked[0]!.method).toBe("POST");
      const told = mediaIn(
        scene
          .sentTo(scene.caller, "SIP/2.0 200")
          .map(({ text }) => text)
          .join("\n"),
      );
      const heard = audioOf(streamFrom(scene.datagrams(), told[0]!.port, told));
      const sung = Buffer.from(toUlaw(tune));
      const begin = heard.indexOf(sung.subarray(2, 66)) - 2;
      expect(begin).toBeGreaterThanOrEqual(-2);
      // The encoders of engine and test round a few samples to neighbouring codes.
      const same = sung.subarray(0, 8000).filter((octet, index) => heard[begin + index] === octet).length;
      expect(same / 8000).toBeGreaterThan(0.98);
      expect(
        stage.gateway.gateway.status().usage.find(({ trunkSid }) => trunkSid === trunkOf(scene).sid),
      ).toMatchObject({
        disasterRecoveries: 1,
      });
    },
  );

  stage.scene(
    "R-DR-2, R-ORIG-19: a target that answers 486 ends the call; the URL is not asked",
    { direction, targets: TWO, trunk: recovery(plain.url("/busy")) },
    async (scene) => {
      await scene.answering("uas_reject", refuse(503));
      await scene.answering("uas_reject", refuse(486), { target: 1 });
      await scene.failing(486);
      expect(seen("/busy")).toEqual([]);
    },
  );

  stage.scene(
    "R-DR-2, R-ORIG-17: a target that stays silent, then one that is not there: the URL is asked by GET",
    {
      direction,
      targets: ["sip:{0}:5060", "sip:{1}:5999;transport=tcp"],
      trunk: recovery(plain.url("/silent"), "GET"),
    },
    async (scene) => {
      await scene.answering("uas_silent", [], { ends: false });
      await scene.calling("uac_call", ["-d", "200"]);
      expect(seen("/silent").map(({ method }) => method)).toEqual(["GET"]);
      const query = new URL(seen("/silent")[0]!.url, "http://localhost").searchParams;
      expect(query.get("LastSipResponseCode")).toBe("0");
      const client = gatewayClient(stage.gateway);
      const [parent] = (await scene.calls()).filter(({ details }) => details.parentSid === undefined);
      const [child] = (await scene.calls()).filter(({ details }) => details.parentSid === parent!.sid);
      // R-ORIG-26: both URIs, and how each of them failed, by REST and in the file.
      const url = `${stage.gateway.gateway.httpUrl}/2010-04-01/Accounts/${client.accountSid}/Calls/${child!.sid}.json`;
      const authorization = `Basic ${Buffer.from(`${client.username}:${client.password}`).toString("base64")}`;
      const shown = (await (await fetch(url, { headers: { authorization } })).json()) as { attempts: object[] };
      expect(shown.attempts).toMatchObject([
        { target: `sip:${scene.callee(0)}:5060`, result: "timeout", status: null },
        { target: `sip:${scene.callee(1)}:5999;transport=tcp`, result: "unreachable", status: null },
      ]);
      const written = () =>
        readFileSync(records, "utf8")
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => JSON.parse(line) as { sid: string });
      await until(() => written().some(({ sid }) => sid === child!.sid), "the record");
      expect(written().find(({ sid }) => sid === child!.sid)).toMatchObject({
        parentSid: parent!.sid,
        trunkSid: trunkOf(scene).sid,
        direction: "trunking-originating",
        from: "+15550100200",
        to: scene.dialled,
        answeredAt: null,
        durationSeconds: 0,
        chosenTarget: null,
        attempts: [{ result: "timeout" }, { result: "unreachable" }],
      });
    },
  );

  stage.scene(
    "R-DR-2: no enabled URI at all: the URL is asked at once",
    { direction, targets: [], trunk: recovery(plain.url("/none")) },
    async (scene) => {
      await scene.calling("uac_call", ["-d", "200"]);
      expect(seen("/none")).toHaveLength(1);
    },
  );

  stage.scene(
    "R-DR-4: a URL where nobody listens: 500",
    { direction, targets: [], trunk: recovery(`http://127.0.0.1:${closed}/`) },
    async (scene) => {
      await scene.failing(500);
    },
  );

  stage.scene(
    "R-DR-4: TwiML that cannot be read: 500",
    { direction, targets: [], trunk: recovery(plain.url("/no-twiml")) },
    async (scene) => {
      await scene.failing(500);
      expect(seen("/no-twiml")).toHaveLength(1);
    },
  );

  stage.scene(
    "R-DR-5: https as well as http",
    { direction, targets: [], trunk: recovery(secure.url("/safe", "localhost")) },
    async (scene) => {
      await scene.calling("uac_call", ["-d", "200"]);
      expect(secure.seen.filter(({ url }) => url === "/safe")).toHaveLength(1);
    },
  );
});

stage.verdict();
