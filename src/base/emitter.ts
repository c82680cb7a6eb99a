/**
 * A typed event source. A listener that throws does not stop the others; its error goes to `onError`.
 * @typeParam Events - event name to the tuple of its arguments
 */
export class Emitter<Events extends { [K in keyof Events]: unknown[] }> {
  readonly #listeners: { [K in keyof Events]?: Set<(...args: Events[K]) => void> } = Object.create(null);
  readonly #onError: (error: unknown) => void;

  constructor(
    onError: (error: unknown) => void = (error) => {
      throw error;
    },
  ) {
    this.#onError = onError;
  }

  /** Adds a listener and returns what removes it. */
  on<K extends keyof Events>(event: K, listener: (...args: Events[K]) => void): () => void {
    const listeners: Set<(...args: Events[K]) => void> = this.#listeners[event] ?? new Set();
    this.#listeners[event] = listeners;
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  /** Calls all listeners that were there when the event came. */
  emit<K extends keyof Events>(event: K, ...args: Events[K]): void {
    const set = this.#listeners[event];
    if (set === undefined) return;
    for (const listener of [...set]) {
      try {
        listener(...args);
      } catch (error) {
        this.#onError(error);
      }
    }
  }

  /** Forgets all listeners, when nothing can happen any more; those that are being told are still told. */
  clear(): void {
    for (const event of Object.keys(this.#listeners) as (keyof Events)[]) delete this.#listeners[event];
  }
}
