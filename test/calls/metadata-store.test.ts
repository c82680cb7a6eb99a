/** What is known of calls and what was said in them: which of it is kept, and where (R-COMP-1, R-COMP-4, R-EDGE-10), with audio on real sockets. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseSession } from "../../src/sdp/session.ts";
import { findPattern, patternUlaw } from "../support/audio-pattern.ts";
import { CALLER, CARRIER, GATEWAY, sdp, startCallRig } from "../support/call-rig.ts";
import { BASE, until } from "../support/gateway.ts";
import { MediaSocket } from "../support/media-socket.ts";
import { rtpPacket } from "../support/rtp-peer.ts";

/** Octets of all files below a folder, one after the other. */
function contentsOf(folder: string): Buffer {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Buffer.concat(files.map((entry) => readFileSync(join(entry.parentPath, entry.name))));
}

interface Kept {
  /** All octets beside the store, and all in the folder of recordings. */
  readonly metadata: Buffer;
  readonly audio: Buffer;
  readonly recordings: readonly { readonly sid: string; readonly callSid: string | null }[];
  readonly log: string;
  /** Packets of the pattern that the carrier got. */
  readonly carried: number;
}

/** A call of a second and a half whose caller says a pattern that occurs nowhere else. */
async function spoken(recordingMode: string): Promise<Kept> {
  const folder = mkdtempSync(join(tmpdir(), "tandem-places-"));
  const [central, local] = [join(folder, "central"), join(folder, "local")];
  for (const place of [central, local]) mkdirSync(place);
  const rig = await startCallRig({
    store: join(central, "tandem.db"),
    top: `recordings: { folder: ${local} }`,
    media: "  rtpTimeoutSeconds: 0",
    objects: `
  - { name: spoken, domain: spoken, ipAccessControlLists: [peers], callerIdPolicy: any, recordingMode: ${recordingMode} }`,
  });
  const { gateway, log } = rig.gateway;
  const [near, far] = await Promise.all([MediaSocket.open(CALLER), MediaSocket.open(CARRIER)]);
  try {
    const call = await rig.caller.invite({ domain: `spoken.pstn.${BASE}`, sdp: sdp(CALLER, { port: near.port }) });
    await rig.carrier.answer(await rig.carrier.request("INVITE"), 200, { sdp: sdp(CARRIER, { port: far.port }) });
    const answer = await call.final();
    const { port } = parseSession(new TextDecoder().decode(answer.body)).media[0]!;
    await rig.carrier.request("ACK");
    let [sent, sentMs] = [0, 0];
    await until(() => {
      if (performance.now() - sentMs >= 20) {
        sentMs = performance.now();
        const packet = { marker: sent === 0, payloadType: 0, sequenceNumber: sent, timestamp: 160 * sent, ssrc: 7 };
        near.send(rtpPacket({ ...packet, payload: patternUlaw() }), GATEWAY, port);
        sent++;
      }
      return sent > 75;
    }, "a second and a half of audio");
    await call.request("BYE");
    await rig.carrier.answer(await rig.carrier.request("BYE"), 200);
    await until(() => gateway.calls.liveCount === 0, "the end of the call");
    const recordings = () => [...gateway.store.list("recordings")];
    await until(() => recordings().every(({ status }) => status === "completed"), "the recording");
    const kept = recordings();
    await rig.stop();
    return {
      metadata: contentsOf(central),
      audio: contentsOf(local),
      recordings: kept,
      log: log.lines.join("\n"),
      carried: far.payloads(0).filter((payload) => payload.equals(patternUlaw())).length,
    };
  } finally {
    near.close();
    far.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

it("R-COMP-4, R-EDGE-10: the store has the recording's metadata and none of its audio, the folder of recordings has the audio", async () => {
  const { metadata, audio, recordings } = await spoken("record-from-answer");
  expect(recordings).toHaveLength(1);
  expect(metadata.includes(recordings[0]!.sid)).toBe(true);
  expect(metadata.includes(recordings[0]!.callSid!)).toBe(true);
  expect(findPattern(metadata)).toEqual([]);
  expect(findPattern(audio)).not.toEqual([]);
});

it("R-COMP-1: without a recording mode what was said is in no file of the gateway and in no line of its log", async () => {
  const { metadata, audio, recordings, log, carried } = await spoken("do-not-record");
  expect(carried).toBeGreaterThan(50);
  expect(recordings).toEqual([]);
  expect(audio.length).toBe(0);
  expect(findPattern(metadata)).toEqual([]);
  expect(findPattern(Buffer.from(log, "latin1"))).toEqual([]);
  expect(log).not.toContain(patternUlaw().toString("base64").slice(0, 40));
});
