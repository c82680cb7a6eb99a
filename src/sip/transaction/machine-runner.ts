/**
 * Runs one transaction's table: holds the state, starts the timers of a state on entering it and stops them on leaving.
 * The owner performs the actions that a row names, and is told when the machine reached "terminated", whatever the event
 * was: most transactions end by a timer.
 */

import type { Clock, Timer } from "../../base/clock.ts";
import { type MachineTable, step } from "../../base/machine.ts";
import { nextIntervalMs, repeats, type TimerName, type TimerSettings, timerMs } from "./timers.ts";

export interface MachineDefinition<State extends string, Event extends string, Action extends string> {
  readonly table: MachineTable<State, Event, Action>;
  readonly timers: Readonly<Record<State, readonly TimerName[]>>;
}

export class MachineRunner<State extends string, Event extends string, Action extends string> {
  readonly #definition: MachineDefinition<State, Event, Action>;
  readonly #clock: Clock;
  readonly #settings: TimerSettings;
  readonly #reliable: boolean;
  readonly #perform: (action: Action) => void;
  readonly #onTerminated: () => void;
  readonly #timers = new Map<TimerName, Timer>();
  #state: State;

  constructor(
    definition: MachineDefinition<State, Event, Action>,
    initial: State,
    clock: Clock,
    settings: TimerSettings,
    reliable: boolean,
    perform: (action: Action) => void,
    onTerminated: () => void,
  ) {
    this.#definition = definition;
    this.#clock = clock;
    this.#settings = settings;
    this.#reliable = reliable;
    this.#perform = perform;
    this.#onTerminated = onTerminated;
    this.#state = initial;
    this.#startTimers(initial, []);
  }

  get state(): State {
    return this.#state;
  }

  /** Takes one event through the table; a pair that is not in it is ignored. Returns false then. */
  fire(event: Event): boolean {
    const row = step(this.#definition.table, this.#state, event);
    if (row === undefined) return false;
    if (row.next !== this.#state) {
      const before = this.#definition.timers[this.#state];
      const after = this.#definition.timers[row.next];
      // A timer that runs in both states goes on (timers E and F, §17.1.2.2).
      for (const name of before) if (!after.includes(name)) this.#stopTimer(name);
      this.#state = row.next;
      for (const action of row.actions) this.#perform(action);
      this.#startTimers(row.next, before);
      if (row.next === "terminated") this.#onTerminated();
    } else for (const action of row.actions) this.#perform(action);
    return true;
  }

  /** Stops everything without an action, as the end of the stack does. */
  stop(): void {
    for (const name of [...this.#timers.keys()]) this.#stopTimer(name);
  }

  /** Ends the machine without an action of its table. */
  terminate(): void {
    if (this.#state === "terminated") return;
    this.stop();
    this.#state = "terminated" as State;
    this.#onTerminated();
  }

  #startTimers(state: State, running: readonly TimerName[]): void {
    if (this.#state !== state) return;
    for (const name of this.#definition.timers[state]) {
      if (running.includes(name) || (repeats(name) && this.#reliable)) continue;
      this.#startTimer(name, timerMs(name, this.#reliable, this.#settings));
    }
  }

  #startTimer(name: TimerName, delayMs: number): void {
    this.#timers.set(
      name,
      this.#clock.after(delayMs, () => {
        this.#timers.delete(name);
        // The next repeat is set before the action, since the action may end the transaction.
        if (repeats(name)) this.#startTimer(name, nextIntervalMs(name, delayMs, this.#state, this.#settings));
        this.fire(`timer ${name}` as Event);
      }),
    );
  }

  #stopTimer(name: TimerName): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
  }
}
