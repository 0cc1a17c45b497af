/** SIGINT and SIGTERM end a long-running verb cleanly; a second one ends it at once. */

const NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;

/** Aborted by the first SIGINT or SIGTERM. `dispose` gives the signals back. */
export function endSignal(): { signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(128 + NUMBERS[name as keyof typeof NUMBERS]);
    controller.abort(new Error(`stopped by ${name}`));
  };
  const names = Object.keys(NUMBERS) as (keyof typeof NUMBERS)[];
  for (const name of names) process.on(name, stop);
  return {
    signal: controller.signal,
    dispose: () => {
      for (const name of names) process.off(name, stop);
    },
  };
}

/** Resolves when `signal` is aborted; keeps the process alive until then. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const keptAlive = setInterval(() => {}, 2 ** 30);
    signal.addEventListener(
      'abort',
      () => {
        clearInterval(keptAlive);
        resolve();
      },
      { once: true },
    );
  });
}
