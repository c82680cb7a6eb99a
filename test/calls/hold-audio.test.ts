/** What a party hears while the other holds the call (SDP-9), on the wire. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConfigError } from "../../src/base/errors.ts";
import { readHoldAudio } from "../../src/calls/hold-audio.ts";
import { CALLER, CARRIER, type CallRig, GATEWAY, sdp, startCallRig } from "../support/call-rig.ts";
import { until } from "../support/gateway.ts";
import { MediaSocket } from "../support/media-socket.ts";
import { reached } from "../support/sip-wire.ts";

const MUSIC = 0x55;
const folder = mkdtempSync(join(tmpdir(), "tandem-hold-"));
const file = join(folder, "hold.ulaw");
let rig: CallRig;

beforeAll(async () => {
  writeFileSync(file, Buffer.alloc(4000, MUSIC));
  rig = await startCallRig({ media: `  holdAudio: ${file}` });
});
afterAll(async () => {
  await rig.stop();
  rmSync(folder, { recursive: true });
});

describe("SDP-9 hold audio", () => {
  it("is heard while the other side holds in silence, from beginning to end, and not when it may speak itself", async () => {
    const [near, far] = await Promise.all([MediaSocket.open(CALLER), MediaSocket.open(CARRIER)]);
    const offer = (version: number, ...lines: string[]): string => sdp(CALLER, { port: near.port, version, lines });
    const call = await rig.caller.invite({ sdp: offer(1) });
    const invite = await rig.carrier.request("INVITE");
    await rig.carrier.answer(invite, 200, { sdp: sdp(CARRIER, { port: far.port }) });
    const answer = await call.final();
    await rig.carrier.request("ACK");
    const nearPort = Number(/m=audio (\d+)/.exec(new TextDecoder().decode(answer.body))![1]);
    const reoffer = async (version: number, ...lines: string[]): Promise<void> => {
      await call.request("INVITE", ["Content-Type: application/sdp"], offer(version, ...lines));
      expect((await call.final()).status).toBe(200);
    };
    /** What the other side hears: until so many packets in a row have this octet and no other. */
    const hearsOnly = async (octet: number, speak = false): Promise<void> => {
      let sentMs = 0;
      await reached(() => {
        if (speak && performance.now() - sentMs > 10) {
          near.sendAudio(GATEWAY, nearPort);
          sentMs = performance.now();
        }
        const last = far.payloads(0).slice(-30);
        return last.length === 30 && last.every((payload) => payload.every((one) => one === octet));
      }, `octets of ${octet}`);
    };
    await reoffer(2, "a=inactive");
    // More than one pass of the file.
    await hearsOnly(MUSIC);
    // It may play music of its own; until then there is silence.
    await reoffer(3, "a=sendonly");
    await hearsOnly(0xff);
    await hearsOnly(0x35, true);
    await reoffer(4, "a=inactive");
    await hearsOnly(MUSIC);
    await reoffer(5);
    await hearsOnly(0x35, true);
    await call.request("BYE");
    await rig.caller.final("BYE");
    await rig.carrier.answer(await rig.carrier.request("BYE"), 200);
    await until(() => rig.gateway.gateway.calls.liveCount === 0, "the end of the call");
    for (const socket of [near, far]) socket.close();
  }, 60_000);

  it("a file that is missing, of another kind or too long is refused at start", () => {
    const song = join(folder, "song.mp3");
    const long = join(folder, "long.wav");
    writeFileSync(song, "");
    writeFileSync(long, Buffer.alloc(4 * 1024 * 1024 + 1));
    for (const bad of [song, long, join(folder, "none.wav")]) expect(() => readHoldAudio(bad)).toThrow(ConfigError);
    expect(readHoldAudio(null)).toBeUndefined();
    expect(readHoldAudio(file)).toMatchObject({ mediaType: "audio/basic", loop: 0 });
  });
});
