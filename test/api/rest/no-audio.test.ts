/** R-COMP-6, R-REC-8: under compliance.noAudioAtRest whatever would keep audio is refused with 400, and nothing is changed. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseConfig } from "../../../src/cli/config.ts";
import { ACCOUNT, clientFor, type RestStage, startRest } from "../../support/rest.ts";

let stage: RestStage;
beforeAll(async () => {
  stage = await startRest(undefined, { noAudioAtRest: true });
});
afterAll(() => stage.stop());

const refused = { status: 400, message: expect.stringContaining("compliance.noAudioAtRest") };

describe("R-COMP-6", () => {
  it("R-REC-8: every recording mode of a trunk but do-not-record", async () => {
    const client = clientFor(stage);
    const { sid } = await client.trunking.v1.trunks.create({ friendlyName: "trunk" });
    const recording = client.trunking.v1.trunks(sid).recordings();
    for (const mode of [
      "record-from-ringing",
      "record-from-answer",
      "record-from-ringing-dual",
      "record-from-answer-dual",
    ] as const)
      await expect(recording.update({ mode })).rejects.toMatchObject(refused);
    expect(await recording.update({ mode: "do-not-record" })).toMatchObject({ mode: "do-not-record" });
  });

  it("Voice Trace; GET shows the switch", async () => {
    const client = clientFor(stage);
    await expect(client.insights.v1.settings().update({ voiceTrace: true })).rejects.toMatchObject(refused);
    expect(await client.insights.v1.settings().fetch()).toMatchObject({ voiceTrace: false });
    const answer = await fetch(`${stage.url}/v1/Voice/Settings`, {
      headers: { authorization: `Basic ${Buffer.from(`${ACCOUNT.sid}:${ACCOUNT.token}`).toString("base64")}` },
    });
    expect(await answer.json()).toMatchObject({ no_audio_at_rest: true, voice_trace: false });
  });

  it("Record of a call that is asked for", async () => {
    const order = { to: "sip:bob@example.com", from: "alice", twiml: "<Response/>" };
    await expect(clientFor(stage).calls.create({ ...order, record: true })).rejects.toMatchObject(refused);
    expect(stage.placed).toEqual([]);
    await clientFor(stage).calls.create({ ...order, record: false });
    expect(stage.placed).toHaveLength(1);
  });

  it("a declared recording mode, with its line", () => {
    const yaml = (mode: string) => `
compliance: { noAudioAtRest: true }
accounts: [{ name: main, authToken: "0123456789abcdef0" }]
trunks:
  - name: office
    recordingMode: ${mode}
`;
    expect(() => parseConfig(yaml("record-from-answer"), "tandem.yaml", {})).toThrow(
      /tandem\.yaml:6.*recordingMode.*noAudioAtRest/s,
    );
    expect(() => parseConfig(yaml("do-not-record"), "tandem.yaml", {})).not.toThrow();
  });
});
