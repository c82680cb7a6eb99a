/** SIGINT or SIGTERM, whichever comes first; later ones have their usual effect again. */
export function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((done) => {
    const handlers = (["SIGINT", "SIGTERM"] as const).map((signal) => {
      const handler = (): void => {
        for (const [name, one] of handlers) process.removeListener(name, one);
        done(signal);
      };
      process.on(signal, handler);
      return [signal, handler] as const;
    });
  });
}
