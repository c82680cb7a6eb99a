/**
 * Chooses the worker that a new call goes to: a pure function of load and limits (R-MEDIA-10, R-PERF-4). All legs of
 * one call go where its first leg went, so the choice is made once a call.
 */

/** What is known of one worker when a call has to be placed. */
export interface WorkerCapacity {
  readonly index: number;
  readonly alive: boolean;
  /** Legs that are open or promised. */
  readonly legs: number;
  readonly legCountMax: number;
  /** Event-loop utilisation of its last report, 0 to 1. */
  readonly utilisation: number;
}

/** Above this the loop has no reserve for a 20 ms frame that comes late; such a worker is taken last. */
const BUSY_UTILISATION = 0.9;

/**
 * Picks the worker with the most free slots; one that is busy only when all are.
 * @param legsWanted - slots that must be free, at least 1
 * @returns the index of the worker, or -1 when none has room
 */
export function chooseWorker(workers: Iterable<WorkerCapacity>, legsWanted = 1): number {
  let chosen: WorkerCapacity | undefined;
  for (const worker of workers) {
    if (!worker.alive || worker.legs + legsWanted > worker.legCountMax) continue;
    if (chosen === undefined || isBetter(worker, chosen)) chosen = worker;
  }
  return chosen === undefined ? -1 : chosen.index;
}

function isBetter(a: WorkerCapacity, b: WorkerCapacity): boolean {
  const busyA = a.utilisation > BUSY_UTILISATION;
  const busyB = b.utilisation > BUSY_UTILISATION;
  if (busyA !== busyB) return busyB;
  const usedA = a.legs / a.legCountMax;
  const usedB = b.legs / b.legCountMax;
  if (usedA !== usedB) return usedA < usedB;
  return a.utilisation < b.utilisation;
}
