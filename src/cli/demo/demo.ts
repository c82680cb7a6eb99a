/**
 * `tandem demo`: the whole product once, on loopback, with nothing but what is in the package. A real gateway, a real
 * carrier, PBX and telephone beside it, a WebSocket consumer and a web application: real SIP, RTP, SRTP and HTTP.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { SystemClock } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { Gateway } from "../../gateway.ts";
import { parseConfig } from "../config.ts";
import { Display } from "../display.ts";
import { openStore } from "../open-store.ts";
import { makeCertificates } from "./certificates.ts";
import { BASE, demoConfig, PASSWORD, USERNAME } from "./configuration.ts";
import { runFailover, runRelay, runStream, type SceneResult } from "./scenes.ts";
import { startStage } from "./stage.ts";

export interface DemoOptions {
  readonly keep: boolean;
  /** Where the stereo WAV goes. */
  readonly wav: string;
  readonly json: boolean;
  readonly out: Writable & { isTTY?: boolean; columns?: number };
}

/** @returns the exit code: 0 when every call went as it should */
export async function runDemo(options: DemoOptions): Promise<number> {
  const display = new Display(options.json ? process.stderr : options.out);
  const folder = mkdtempSync(join(tmpdir(), "tandem-demo-"));
  const clock = new SystemClock();
  const cleanup: (() => Promise<void> | void)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const interrupted = Promise.withResolvers<"interrupted">();
  const onSignal = (): void => interrupted.resolve("interrupted");
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    display.line("Tandem demonstration: everything runs on 127.0.0.1 and ends by itself.");
    const certificates = await makeCertificates([`demo.sip.${BASE}`, `demo.pstn.${BASE}`]);
    const certFile = join(folder, "cert.pem");
    const keyFile = join(folder, "key.pem");
    writeFileSync(certFile, certificates.certPem);
    writeFileSync(keyFile, certificates.keyPem, { mode: 0o600 });
    const stage = await startStage(clock, certificates);
    cleanup.push(() => stage.stop());
    const file = join(folder, "tandem.yaml");
    const loaded = parseConfig(
      demoConfig({ certFile, keyFile, dataFile: join(folder, "tandem.db"), ...stage.ports }),
      file,
      {},
    );
    const { store, secrets } = await openStore(loaded, clock, silentLog);
    const gateway = await Gateway.start({ config: loaded.settings, store, secrets, clock });
    cleanup.push(() => gateway.stop());
    display.line(
      `gateway up: ${gateway.listening.map(({ transport, port }) => `${transport} ${port}`).join(", ")}; store in one SQLite file`,
    );
    display.line();
    const results: SceneResult[] = [];
    const context = { clock, gateway, stage, display, wav: options.wav };
    const scenes = (async () => {
      for (const scene of [runStream, runFailover, runRelay]) results.push(await scene(context));
      return "done" as const;
    })();
    const end = await Promise.race([scenes, interrupted.promise]);
    if (end === "interrupted") {
      display.line("interrupted");
      return 1;
    }
    report(display, options, results);
    if (options.keep) {
      howToCall(display, gateway, stage.ports.consumerUrl);
      await interrupted.promise;
      display.line("ending");
    }
    return results.every(({ ok }) => ok) ? 0 : 1;
  } catch (error) {
    display.line(`the demonstration failed: ${messageOf(error)}`);
    return 1;
  } finally {
    process.removeListener("SIGINT", onSignal);
    process.removeListener("SIGTERM", onSignal);
    for (const step of cleanup.reverse()) await step();
  }
}

function report(display: Display, options: DemoOptions, results: readonly SceneResult[]): void {
  if (options.json) {
    options.out.write(`${JSON.stringify({ ok: results.every(({ ok }) => ok), calls: results }, null, 2)}\n`);
    return;
  }
  display.line();
  display.table(
    ["call", "result", "set up", "packets in/out", "lost", "frames in/out", "round trip", "note"],
    results.map((one) => [
      one.name,
      one.ok ? "ok" : "FAILED",
      `${Math.round(one.setupMs)} ms`,
      `${one.packetsReceived}/${one.packetsSent}`,
      String(one.packetsLost),
      one.framesIn === undefined ? "-" : `${one.framesIn}/${one.framesOut}`,
      one.roundTripMs === undefined ? "-" : `${Math.round(one.roundTripMs)} ms`,
      one.note,
    ]),
  );
  display.line();
  display.line(
    `Listen to ${options.wav}: left is what the telephone said, right what came back from the WebSocket consumer.`,
  );
}

function howToCall(display: Display, gateway: Gateway, consumerUrl: string): void {
  const udp = gateway.listening.find(({ transport }) => transport === "udp")!;
  display.line();
  display.line("The gateway stays up. To place a call by hand, point a SIP telephone or PBX at it:");
  display.line(`  outbound proxy   sip:127.0.0.1:${udp.port} (UDP or TCP)`);
  display.line(`  call             sip:+15550100200@demo.pstn.${BASE}`);
  display.line(`  user, password   ${USERNAME}, ${PASSWORD}`);
  display.line("  caller id        +15550100100");
  display.line(`  stream consumer  ${consumerUrl}`);
  display.line("The carrier answers and plays a tune. Ctrl-C ends everything.");
}
