/** One row: everybody is checked first, then timed in turns, several runs one behind the other. */
import { measure, measureNative } from "./measure.ts";
import { median, rounded, runFigure, spreadOf } from "./statistics.ts";
import { type Candidate, isNative, type NativeCandidate, type Row } from "./suite.ts";

export interface RowResult {
  readonly name: string;
  readonly unit: string;
  readonly ours: number;
  readonly peers: Readonly<Record<string, number>>;
  /** ours / peer: below 1 we are quicker. */
  readonly ratios: Readonly<Record<string, number>>;
  /** Samples over all runs of all candidates. */
  readonly samples: number;
  /** (slowest - fastest) / median of the runs' figures, the worst of all candidates. */
  readonly spread: number;
}

export interface RunOptions {
  readonly runs: number;
  /** How long one candidate is timed in one run. */
  readonly milliseconds: number;
  say(line: string): void;
  progress(text: string): void;
}

const OURS = "tandem";

export async function runRow(row: Row, options: RunOptions): Promise<RowResult> {
  const candidates = new Map<string, Candidate | NativeCandidate>([[OURS, row.ours()]]);
  for (const [name, make] of Object.entries(row.peers)) {
    const peer = await make((reason) => options.say(`  without ${name}: ${reason}`));
    if (peer !== undefined) candidates.set(name, peer);
  }
  const checkAll = () => {
    for (const candidate of candidates.values()) if (!isNative(candidate)) candidate.check();
  };
  checkAll();

  const figures = new Map<string, number[]>([...candidates.keys()].map((name) => [name, []]));
  let samples = 0;
  const order = [...candidates];
  for (let run = 0; run < options.runs; run++) {
    for (const [name, candidate] of order) {
      options.progress(`${row.name}  run ${run + 1}/${options.runs}  ${name}`);
      const taken = isNative(candidate)
        ? await measureNative(candidate, name, options.milliseconds)
        : measure(candidate, name, options.milliseconds);
      samples += taken.length;
      figures.get(name)!.push(runFigure(taken));
    }
    // Nobody always goes first, or always behind the same one.
    order.push(order.shift()!);
  }
  options.progress("");
  checkAll();

  const ours = median(figures.get(OURS)!);
  const peers = [...figures].filter(([name]) => name !== OURS).map(([name, runs]) => [name, median(runs)] as const);
  return {
    name: row.name,
    unit: row.unit,
    ours: rounded(ours),
    peers: Object.fromEntries(peers.map(([name, figure]) => [name, rounded(figure)])),
    ratios: Object.fromEntries(peers.map(([name, figure]) => [name, rounded(ours / figure)])),
    samples,
    spread: rounded(Math.max(...[...figures.values()].map(spreadOf))),
  };
}
