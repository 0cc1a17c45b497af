/** Waits for an end that a signal announces. */

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
