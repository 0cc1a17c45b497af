/** SIGINT and SIGTERM end a long-running verb cleanly; a second one ends it at once. */

const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** The first SIGINT or SIGTERM aborts `signal`, and SIGHUP where `hangupEnds`. `dispose` gives the signals back. */
export function endSignal({ hangupEnds = false } = {}): {
  signal: AbortSignal;
  /** 128 plus the signal's number, once `signal` is aborted. */
  readonly exitCode: number;
  dispose(): void;
} {
  const controller = new AbortController();
  let exitCode = 0;
  const stop = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(128 + NUMBERS[name as keyof typeof NUMBERS]);
    exitCode = 128 + NUMBERS[name as keyof typeof NUMBERS];
    controller.abort(new Error(`stopped by ${name}`));
  };
  const names = (Object.keys(NUMBERS) as (keyof typeof NUMBERS)[]).filter((name) => name !== 'SIGHUP' || hangupEnds);
  for (const name of names) process.on(name, stop);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    dispose: () => {
      for (const name of names) process.off(name, stop);
    },
  };
}
