/** The Recording sub-resource of a trunk (trunking-rest.md 4.6; R-REC-1, R-REC-5, R-REC-8). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { clientFor, type RestStage, startRest } from "../../support/rest.ts";

let stage: RestStage;
let client: ReturnType<typeof clientFor>;
beforeAll(async () => {
  stage = await startRest();
  client = clientFor(stage);
});
afterAll(() => stage.stop());

describe("recording of a trunk", () => {
  it("R-REC-1, R-REC-5 each mode and trim by POST, seen in the trunk and in the sub-resource; off by default", async () => {
    const { sid } = await client.trunking.v1.trunks.create();
    const recording = client.trunking.v1.trunks(sid).recordings();
    expect(await recording.fetch()).toMatchObject({ mode: "do-not-record", trim: "do-not-trim" });
    for (const mode of [
      "record-from-ringing",
      "record-from-answer",
      "record-from-ringing-dual",
      "record-from-answer-dual",
      "do-not-record",
    ] as const) {
      expect(await recording.update({ mode })).toMatchObject({ mode, trim: "do-not-trim" });
      expect(stage.store.get("trunks", sid)?.recordingMode).toBe(mode);
    }
    await recording.update({ mode: "record-from-answer" });
    expect(await recording.update({ trim: "trim-silence" })).toMatchObject({
      mode: "record-from-answer",
      trim: "trim-silence",
    });
    expect((await client.trunking.v1.trunks(sid).fetch()).recording).toEqual({
      mode: "record-from-answer",
      trim: "trim-silence",
    });
    await expect(recording.update({ mode: "record-always" as never })).rejects.toMatchObject({
      status: 400,
      code: 20001,
    });
    await expect(recording.update({ trim: "yes" as never })).rejects.toMatchObject({ status: 400, code: 20001 });
    expect((await recording.fetch()).mode).toBe("record-from-answer");
  });

  it("R-REC-8 with noAudioAtRest every mode but do-not-record is refused", async () => {
    const strict = await startRest(new MemoryStore(), { noAudioAtRest: true });
    try {
      const { trunks } = clientFor(strict).trunking.v1;
      const { sid } = await trunks.create();
      await expect(trunks(sid).recordings().update({ mode: "record-from-answer" })).rejects.toMatchObject({
        status: 400,
        code: 20001,
      });
      expect(await trunks(sid).recordings().update({ mode: "do-not-record" })).toMatchObject({ mode: "do-not-record" });
    } finally {
      await strict.stop();
    }
  });
});
