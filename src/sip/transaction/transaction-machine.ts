/**
 * One transaction's table at work: holds the state, starts the timers of a state on entering it and stops them on leaving.
 * What it is extended by performs the actions that a row names, and is told when "terminated" was reached, whatever the event
 * was: most transactions end by a timer. There are many at one time, so it is one object with one timer, whatever runs.
 */

import type { Clock, Timer } from "../../base/clock.ts";
import { type MachineTable, step } from "../../base/machine.ts";
import { nextIntervalMs, repeats, type TimerName, type TimerSettings, timerMs } from "./timers.ts";

/** The same for all transactions of a kind. */
export interface MachineDefinition {
  readonly table: MachineTable<string, string, string>;
  /** At most one that repeats and one that does not. Two states in a row have the same ones or none in common. */
  readonly timers: Readonly<Record<string, readonly TimerName[]>>;
}

/** The same for all transactions of a stack. */
export interface MachineSurroundings {
  readonly clock: Clock;
  readonly timers: TimerSettings;
}

export abstract class TransactionMachine {
  readonly #definition: MachineDefinition;
  readonly #surroundings: MachineSurroundings;
  readonly #reliable: boolean;
  #state: string;
  /** Runs out when the next of the state's timers is due. */
  #timer: Timer | undefined;
  #timerMs = 0;
  /** From the start of `#timer` on; 0 when none repeats. */
  #repeatDueMs = 0;
  #intervalMs = 0;
  /** From the start of `#timer` on; -1 when there is none. */
  #limitDueMs = -1;

  /** The timers of `initial` run from here on. */
  constructor(definition: MachineDefinition, initial: string, reliable: boolean, surroundings: MachineSurroundings) {
    this.#definition = definition;
    this.#surroundings = surroundings;
    this.#reliable = reliable;
    this.#state = initial;
    this.#startTimers();
  }

  get state(): string {
    return this.#state;
  }

  get terminated(): boolean {
    return this.#state === "terminated";
  }

  /** Stops everything without an action, as the end of the stack does. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Carries out what a row of the table names. */
  protected abstract perform(action: string): void;

  /** No timer runs and no event means anything any more. */
  protected abstract onTerminated(): void;

  /** Takes one event through the table; a pair that is not in it is ignored. */
  protected fire(event: string): void {
    const row = step(this.#definition.table, this.#state, event);
    if (row === undefined) return;
    if (row.next === this.#state) {
      for (const action of row.actions) this.perform(action);
      return;
    }
    // Timers that run in both states go on (E and F, §17.1.2.2).
    const goesOn = areEqual(this.#definition.timers[this.#state]!, this.#definition.timers[row.next]!);
    if (!goesOn) this.stop();
    this.#state = row.next;
    for (const action of row.actions) this.perform(action);
    if (!goesOn && this.#state === row.next) this.#startTimers();
    if (row.next === "terminated") this.onTerminated();
  }

  /** Ends it without an action of its table. */
  protected terminate(): void {
    if (this.terminated) return;
    this.stop();
    this.#state = "terminated";
    this.onTerminated();
  }

  #startTimers(): void {
    const { timers } = this.#surroundings;
    this.#repeatDueMs = 0;
    this.#limitDueMs = -1;
    for (const name of this.#definition.timers[this.#state]!) {
      if (!repeats(name)) this.#limitDueMs = timerMs(name, this.#reliable, timers);
      else if (!this.#reliable) this.#repeatDueMs = this.#intervalMs = timerMs(name, false, timers);
    }
    this.#arm();
  }

  #arm(): void {
    const limitIsNext = this.#limitDueMs >= 0 && (this.#repeatDueMs === 0 || this.#limitDueMs <= this.#repeatDueMs);
    if (!limitIsNext && this.#repeatDueMs === 0) return;
    this.#timerMs = limitIsNext ? this.#limitDueMs : this.#repeatDueMs;
    this.#timer = this.#surroundings.clock.after(this.#timerMs, () => this.#due(limitIsNext));
  }

  #due(isLimit: boolean): void {
    const name = this.#definition.timers[this.#state]!.find((one) => repeats(one) !== isLimit)!;
    this.#timer = undefined;
    if (!isLimit) {
      // The next repeat is set before the action, since the action may end the transaction.
      if (this.#limitDueMs >= 0) this.#limitDueMs -= this.#timerMs;
      this.#intervalMs = nextIntervalMs(name, this.#intervalMs, this.#state, this.#surroundings.timers);
      this.#repeatDueMs = this.#intervalMs;
      this.#arm();
    }
    this.fire(`timer ${name}`);
  }
}

function areEqual(a: readonly TimerName[], b: readonly TimerName[]): boolean {
  return a.length > 0 && a.length === b.length && a.every((name, index) => name === b[index]);
}
