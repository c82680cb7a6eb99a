/**
 * `npm run bench:store`: what the data file costs with a full store: REST creates over HTTP with the disk's share, a list of 100,000 numbers
 * page by page with the growth of the heap, and the start of `tandem serve`. Writes bench/results/store.json. Wants `npm run build` before.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { SystemClock } from "../../src/base/clock.ts";
import { Secrets } from "../../src/store/secrets.ts";
import { SqliteStore } from "../../src/store/sqlite-store.ts";
import { startRest } from "../../test/support/rest.ts";
import { resultOf, writeResult } from "../harness/result.ts";
import type { RowResult } from "../harness/row.ts";
import { median, rounded, spreadOf } from "../harness/statistics.ts";
import { ABOUT, accountSid, authToken, NUMBERS, records } from "../suites/routing/fixture.ts";

const KEY = Buffer.alloc(32, 5);
const STARTS = 5;
const CREATES = 500;
const root = resolve(import.meta.dirname, "../..");
// On a disk, not in memory: a temporary folder of the system may be either. TMPDIR says where.
const folder = mkdtempSync(join(tmpdir(), "tandem-bench-store-"));
const path = join(folder, "tandem.db");
const authorization = `Basic ${Buffer.from(`${accountSid(0)}:${authToken}`).toString("base64")}`;
const rows: RowResult[] = [];

function add(name: string, unit: string, samples: readonly number[], figure = median([...samples])): void {
  const spread = rounded(spreadOf([...samples]));
  rows.push({ name, unit, ours: rounded(figure), peers: {}, ratios: {}, samples: samples.length, spread });
  console.log(`${name}  ${rounded(figure)} ${unit} (${samples.length} samples)`);
}

const percentile = (samples: readonly number[], share: number): number =>
  [...samples].sort((a, b) => a - b)[Math.floor((samples.length - 1) * share)]!;

function fsyncs(): number[] {
  const file = openSync(join(folder, "fsync"), "w");
  const page = Buffer.alloc(4096, 1);
  const samples = Array.from({ length: 200 }, () => {
    writeSync(file, page);
    const started = performance.now();
    fsyncSync(file);
    return performance.now() - started;
  });
  closeSync(file);
  return samples;
}

/** Process start until it says that it listens for HTTP. */
async function start(): Promise<number> {
  const config = join(folder, "tandem.yaml");
  writeFileSync(
    config,
    `
sip: { address: 127.0.0.1, announce: 127.0.0.1, udpPort: 0, tcpPort: 0, tlsPort: off }
http: { address: 127.0.0.1, port: 0 }
media: { portMin: 0, portMax: 0, workers: 1 }
log: { format: json, level: info }
auth: { operatorKey: "${KEY.toString("base64")}" }
store: ${path}
`,
  );
  const started = performance.now();
  const child: ChildProcess = spawn(process.execPath, [join(root, "dist/cli/main.js"), "serve", "-c", config], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let text = "";
  const listeningMs = await new Promise<number>((done, failed) => {
    child.stderr!.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("listening for HTTP")) done(performance.now() - started);
    });
    child.on("close", () => failed(new Error(text)));
  });
  child.removeAllListeners("close");
  child.kill("SIGTERM");
  await new Promise((done) => child.on("close", done));
  return listeningMs;
}

try {
  console.log(`filling ${path}: ${ABOUT}`);
  const store = new SqliteStore({ path, secrets: new Secrets(KEY), clock: new SystemClock() });
  // All numbers in one account: the longest list.
  await store.apply([...records(() => 0)]);
  console.log(`the file has ${Math.round(statSync(path).size / 2 ** 20)} MiB`);
  const stage = await startRest(store);
  const create = async (n: number): Promise<number> => {
    const body = new URLSearchParams({ FriendlyName: `created ${n}`, VoiceUrl: "https://app.example.com/voice" });
    const started = performance.now();
    const answer = await fetch(`${stage.url}/v1/ByocTrunks`, { method: "POST", headers: { authorization }, body });
    await answer.arrayBuffer();
    if (answer.status !== 201) throw new Error(`create was answered with ${answer.status}`);
    return performance.now() - started;
  };
  for (let n = 0; n < 50; n++) await create(n);
  const creates: number[] = [];
  for (let n = 0; n < CREATES; n++) creates.push(await create(n));
  const disk = fsyncs();
  add("store/rest-create-median", "ms", creates);
  add("store/rest-create-p99", "ms", creates, percentile(creates, 0.99));
  add("store/fsync-of-one-page", "ms", disk);

  const pages: number[] = [];
  const heaps: number[] = [];
  let next: string | null = `/2010-04-01/Accounts/${accountSid(0)}/IncomingPhoneNumbers.json?PageSize=1000`;
  let seen = 0;
  while (next !== null) {
    const started = performance.now();
    const answer: Response = await fetch(stage.url + next, { headers: { authorization } });
    const body = (await answer.json()) as { incoming_phone_numbers: unknown[]; next_page_uri: string | null };
    pages.push(performance.now() - started);
    seen += body.incoming_phone_numbers.length;
    next = body.next_page_uri;
    globalThis.gc?.();
    heaps.push(process.memoryUsage().heapUsed / 2 ** 20);
  }
  if (seen !== NUMBERS) throw new Error(`${seen} numbers were listed`);
  add("store/list-page-of-1000", "ms", pages);
  const half = heaps.length / 2;
  add("store/list-heap-growth", "MiB", [Math.max(...heaps.slice(half)) - Math.max(...heaps.slice(5, half))]);
  await stage.stop();
  await store.close();

  const starts: number[] = [];
  for (let n = 0; n < STARTS; n++) starts.push(await start());
  add("store/serve-start", "ms", starts);
  writeResult(join(root, "bench/results/store.json"), resultOf("store", rows));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
