/**
 * What a suite of benchmarks is made of. A suite is a file of bench/suites/ that exports `suite`; bench/run.ts finds it
 * there. Every row says how long one unit of work takes here and in its peers, all timed in turns in one run.
 */

/** Something that runs in this process. Made once a row, then timed several times. */
export interface Candidate {
  /** Units of work (packets, frames, …) that one `call` does; let it be enough for some microseconds. */
  readonly unitsPerCall: number;
  /** Does the work. Its results must reach memory that `check` or the next call looks at, or the compiler drops it. */
  call(): void;
  /** Throws when the octets are wrong. Runs before any timing, and once more at the end. */
  check(): void;
}

/** A compiled program of bench/native/. */
export interface NativeCandidate {
  /** Path of the program (`nativeProgram` in native.ts finds or builds it). */
  readonly program: string;
  /**
   * Its arguments; `--ms N`, for how long to measure, is added. It must check its own octets first, leave with another
   * code than 0 when they are wrong, and print one line of JSON: a NativeReport.
   */
  readonly args: readonly string[];
  /** Throws when what the program says about its octets is not what is expected. */
  check?(report: NativeReport): void;
}

export interface NativeReport {
  /** Nanoseconds a unit, sample by sample. */
  readonly nsPerUnit: readonly number[];
  /** Octets in hexadecimal that the program made, for `check`. */
  readonly probes?: readonly string[];
}

/** A peer, or undefined when it cannot run on this machine (the reason has been said with `skip`). */
export type Peer = Candidate | NativeCandidate | undefined;

export interface Row {
  /** `SUITE/WHAT`, e.g. `srtp/protect-x4`. */
  readonly name: string;
  /** E.g. `ns/packet`; times are always nanoseconds. */
  readonly unit: string;
  /** One line: what is compared with what. */
  readonly about: string;
  ours(): Candidate;
  readonly peers: Readonly<Record<string, (skip: Skip) => Peer | Promise<Peer>>>;
}

/** Says in one line why a peer is left out. */
export type Skip = (reason: string) => void;

export interface Suite {
  /** Name of the result file: bench/results/NAME.json. */
  readonly name: string;
  readonly rows: readonly Row[];
}

export function isNative(peer: Candidate | NativeCandidate): peer is NativeCandidate {
  return "program" in peer;
}
