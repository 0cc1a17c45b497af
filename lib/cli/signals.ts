/**
 * SIGINT and SIGTERM end a long-running verb cleanly; a second one ends it at once. SIGUSR1 and SIGUSR2 ask how it is.
 */

const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** The first SIGINT or SIGTERM aborts `signal`, and SIGHUP where `hangupEnds`. `dispose` gives the signals back. */
export function endSignal({ hangupEnds = false } = {}): {
  signal: AbortSignal;
  /** 128 plus the signal's number, once `signal` is aborted. */
  readonly exitCode: number;
  /** Which signal it was, once it is aborted. */
  readonly name: NodeJS.Signals | undefined;
  dispose(): void;
} {
  const controller = new AbortController();
  let exitCode = 0;
  let first: NodeJS.Signals | undefined;
  const stop = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(128 + NUMBERS[name as keyof typeof NUMBERS]);
    first = name;
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
    get name() {
      return first;
    },
    dispose: () => {
      for (const name of names) process.off(name, stop);
    },
  };
}

/**
 * Until `dispose` SIGUSR2 ends nobody, and SIGUSR1 opens no inspector of Node's, through which any user of the host
 * could take the process over. Both print what `say` returns, once that is there.
 */
export function statusSignals(print: (line: string) => void): {
  answer(say: () => string): void;
  dispose(): void;
} {
  let say = () => 'starting';
  const tell = () => print(`status: ${say()}`);
  const names = ['SIGUSR1', 'SIGUSR2'] as const;
  for (const name of names) process.on(name, tell);
  return {
    answer: (next) => {
      say = next;
    },
    dispose: () => {
      for (const name of names) process.off(name, tell);
    },
  };
}
