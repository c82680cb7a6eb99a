/**
 * A process that writes to a data file and is killed in the middle of it, and the account of what has to be there afterwards. The writer
 * makes a sequence of atomic groups that follows from a seed alone, several on the way at a time; each acknowledged group is one line on
 * a pipe. So the file has to hold the groups of a beginning of the sequence, whole, that is at least as long as what was acknowledged.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { writeSync } from "node:fs";
import { SystemClock } from "../../src/base/clock.ts";
import { RECORD_KINDS } from "../../src/store/record-groups.ts";
import { Secrets } from "../../src/store/secrets.ts";
import { SqliteStore } from "../../src/store/sqlite-store.ts";
import type { Change } from "../../src/store/store.ts";
import { seededRandom } from "./seeded-random.ts";

const ACCOUNT = `AC${"1".repeat(32)}`;
const DATE = "2026-01-01T00:00:00.000Z";
const FAMILIES = 12;
const IN_FLIGHT = 3;
/** Says how many groups the file holds. */
const COUNTER = `NY${"f".repeat(32)}`;

export const secrets = new Secrets(new Uint8Array(32).fill(9));

const sid = (prefix: string, number: number): string => prefix + number.toString(16).padStart(32, "0");
const base = (ownSid: string) => ({ sid: ownSid, accountSid: ACCOUNT, dateCreated: DATE, dateUpdated: DATE });

/** The group with this number: a family of records is made, changed as one, or removed as one. */
function groupAt(seed: number, number: number): Change[] {
  const random = seededRandom(seed * 1_000_003 + number);
  const family = Math.floor(random() * FAMILIES);
  const counter: Change = { kind: "connectionPolicies", put: { ...base(COUNTER), friendlyName: String(number) } };
  const version = `${family} as of ${number} ${"x".repeat(Math.floor(random() * 3000))}`;
  const policy = sid("NY", family);
  const targets = [0, 1, 2].map((index) => sid("NE", family * 10 + index));
  if (random() < 0.25)
    return [
      { kind: "connectionPolicies", remove: policy },
      ...targets.map((remove) => ({ kind: "connectionPolicyTargets", remove }) as const),
      counter,
    ];
  return [
    { kind: "connectionPolicies", put: { ...base(policy), friendlyName: version } },
    ...targets.map(
      (one) =>
        ({
          kind: "connectionPolicyTargets",
          put: {
            ...base(one),
            parentSid: policy,
            friendlyName: version,
            sipUrl: "sip:192.0.2.1",
            priority: 1,
            weight: 1,
            enabled: true,
          },
        }) as const,
    ),
    counter,
  ];
}

/** What the file has to hold after so many groups: SID → JSON. */
export class Expected {
  readonly #seed: number;
  readonly records = new Map<string, string>();
  count = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  advanceTo(count: number): void {
    for (; this.count < count; this.count++)
      for (const change of groupAt(this.#seed, this.count)) {
        if ("put" in change) this.records.set(change.put.sid, JSON.stringify(change.put));
        else this.records.delete(change.remove);
      }
  }
}

/** Opens the file as a gateway would. @returns how many groups it holds, and its records */
export async function readBack(path: string): Promise<{ groups: number; records: Map<string, string> }> {
  const store = new SqliteStore({ path, secrets, clock: new SystemClock() });
  const records = new Map<string, string>();
  for (const kind of RECORD_KINDS)
    for (const record of store.list(kind)) records.set(record.sid, JSON.stringify(record));
  const counter = store.get("connectionPolicies", COUNTER);
  await store.close();
  return { groups: counter === undefined ? 0 : Number(counter.friendlyName) + 1, records };
}

/**
 * Runs a writer from a group on and kills it after some acknowledgements.
 * @returns how many groups were acknowledged in all; the process is gone then
 */
export function writeAndKill(path: string, seed: number, from: number, acknowledgements: number): Promise<number> {
  const child: ChildProcess = spawn(process.execPath, [import.meta.filename, path, String(seed), String(from)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let acknowledged = from;
  let text = "";
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.stdout!.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const lines = text.split("\n");
      text = lines.pop()!;
      for (const line of lines) acknowledged = Number(line) + 1;
      if (acknowledged - from >= acknowledgements) child.kill("SIGKILL");
    });
    child.on("close", (_code, signal) =>
      signal === "SIGKILL" ? resolve(acknowledged) : reject(new Error("the writer ended by itself")),
    );
  });
}

/** One kill: what was acknowledged is there, and nothing else than a beginning of the sequence. @returns what is wrong, or "" */
export async function killOnce(
  path: string,
  seed: number,
  expected: Expected,
  acknowledgements: number,
): Promise<string> {
  const acknowledged = await writeAndKill(path, seed, expected.count, acknowledgements);
  const { groups, records } = await readBack(path);
  if (groups < acknowledged) return `${acknowledged} groups were acknowledged, the file has ${groups}`;
  expected.advanceTo(groups);
  for (const [one, body] of expected.records)
    if (records.get(one) !== body) return `after group ${groups - 1}: ${one} is ${records.get(one) ?? "not there"}`;
  if (records.size !== expected.records.size) return `after group ${groups - 1}: ${records.size} records`;
  return "";
}

async function write([path, seed, from]: string[]): Promise<void> {
  const store = new SqliteStore({ path: path!, secrets, clock: new SystemClock() });
  const underWay: Promise<void>[] = [];
  for (let number = Number(from); ; number++) {
    const group = number;
    // Synchronous, so that what was said is in the pipe when the process dies.
    underWay.push(store.apply(groupAt(Number(seed), group)).then(() => void writeSync(1, `${group}\n`)));
    if (underWay.length >= IN_FLIGHT) await underWay.shift();
  }
}

if (process.argv[1] === import.meta.filename) await write(process.argv.slice(2));
