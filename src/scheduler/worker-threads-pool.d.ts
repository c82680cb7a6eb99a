/** Types of npm `worker-threads-pool` 2.0.0, which brings none. Only what `scheduler.ts` uses. */
declare module "worker-threads-pool" {
  import type { Worker, WorkerOptions } from "node:worker_threads";

  interface PoolOptions {
    /** Threads that may run at a time; default 1. */
    readonly max?: number;
    /** Requests that may wait for a thread; default unlimited. */
    readonly maxWaiting?: number;
  }

  class Pool {
    constructor(options?: PoolOptions);
    /** Threads that run. */
    readonly size: number;
    /** Starts a thread, or queues the start when `max` are running. May throw what `new Worker` throws. */
    acquire(
      filename: string | URL,
      options: WorkerOptions,
      callback: (error: Error | null, worker: Worker) => void,
    ): void;
    destroy(callback?: () => void): void;
  }

  export default Pool;
}
