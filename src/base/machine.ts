/**
 * State machines as tables: one row per (state, event), the next state and the actions by name. Reading the table is
 * reading the machine. A pair that is not in the table is ignored on purpose; `strict` machines treat it as a defect.
 */

/** What a row says: the state to go to and what its owner has to do, in order. */
export interface Step<State extends string, Action extends string> {
  readonly next: State;
  readonly actions: readonly Action[];
}

/** state → event → step. */
export type MachineTable<State extends string, Event extends string, Action extends string> = {
  readonly [S in State]: { readonly [E in Event]?: Step<State, Action> };
};

/**
 * Looks one row up. Pure: the caller stores the state and performs the actions.
 * @returns the row, or undefined when the table ignores this event in this state
 */
export function step<State extends string, Event extends string, Action extends string>(
  table: MachineTable<State, Event, Action>,
  state: State,
  event: Event,
): Step<State, Action> | undefined {
  return table[state][event];
}

/** Short form for writing a row. */
export function to<State extends string, Action extends string>(
  next: State,
  ...actions: Action[]
): Step<State, Action> {
  return { next, actions };
}
