/**
 * REST over a data file on a disk that fails, as a process of its own: it is started in a mount namespace (`unshare -m`) where it has a
 * small disk for itself. Prints one line of JSON of what it saw.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SystemClock } from "../../src/base/clock.ts";
import { SqliteStore } from "../../src/store/sqlite-store.ts";
import { startRest } from "./rest.ts";
import { RestWorld } from "./rest-walk.ts";
import { secrets } from "./store-kill.ts";

export interface SeenOnDisk {
  /** Trunks that were answered with 201, and those found by a store that opens the file afterwards. */
  readonly acknowledged: readonly string[];
  readonly found: readonly string[];
  /** The first answer that was no 201, and its Retry-After. */
  readonly refusal: { status: number; code: number; message: string; retryAfter: string | null };
  /** Status of a list read while nothing can be written, and how many trunks it shows. */
  readonly read: { status: number; count: number };
  /** Status of a write once the disk is well again. */
  readonly after: number;
}

const mount = (...args: string[]): void => void execFileSync("mount", args);
const open = (folder: string) =>
  new SqliteStore({ path: join(folder, "tandem.db"), secrets, clock: new SystemClock(), busyMs: 100 });

async function run([fault, folder]: string[]): Promise<SeenOnDisk> {
  mkdirSync(folder!, { recursive: true });
  mount("-t", "tmpfs", "-o", "size=600k", "tmpfs", folder!);
  let store = open(folder!);
  let stage = await startRest(store);
  let world = new RestWorld(stage);
  const acknowledged: string[] = [];
  const create = async () => {
    // Long, so that the small disk is full soon.
    const urls = { DisasterRecoveryUrl: `https://app.example.com/${"x".repeat(2000)}` };
    const answer = await world.send("POST", "/v1/Trunks", urls);
    if (answer.status === 201) acknowledged.push(answer.body.sid);
    return answer;
  };
  const restart = async () => {
    await stage.stop();
    await store.close();
    store = open(folder!);
    stage = await startRest(store);
    world = new RestWorld(stage);
  };
  const ballast = join(folder!, "ballast");
  await create();
  if (fault === "full") writeFileSync(ballast, Buffer.alloc(300 * 1024));
  else {
    await stage.stop();
    await store.close();
    mount("-o", "remount,ro", folder!);
    store = open(folder!);
    stage = await startRest(store);
    world = new RestWorld(stage);
  }
  let refused = await create();
  for (let tries = 0; refused.status === 201 && tries < 1000; tries++) refused = await create();
  const list = await world.send("GET", "/v1/Trunks?PageSize=1000");
  if (fault === "full") rmSync(ballast);
  else mount("-o", "remount,rw", folder!);
  const after = (await create()).status;
  await restart();
  const found = [...store.list("trunks")].map(({ sid }) => sid);
  await stage.stop();
  await store.close();
  return {
    acknowledged,
    found,
    refusal: {
      status: refused.status,
      code: refused.body.code,
      message: refused.body.message,
      retryAfter: refused.headers.get("retry-after"),
    },
    read: { status: list.status, count: list.body.trunks.length },
    after,
  };
}

if (process.argv[1] === import.meta.filename) console.log(JSON.stringify(await run(process.argv.slice(2))));
