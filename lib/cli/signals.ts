/**
 * SIGINT and SIGTERM end a long-running verb cleanly; a second one ends it at once. SIGUSR1 and SIGUSR2 ask how it is.
 */

const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 } as const;

/** npm, and whoever else passes on what the whole process group got, makes two of one within this time. */
const DOUBLED_MS = 200;

const STATUS = ['SIGUSR1', 'SIGUSR2'] as const;

type Ending = keyof typeof NUMBERS;

/**
 * The first SIGINT or SIGTERM aborts `signal`, and the first of those that `endToo` names. `dispose` gives the signals
 * back.
 */
export function endSignal(endToo: readonly Ending[] = []): {
  signal: AbortSignal;
  /** Aborts it without a signal. */
  end(): void;
  /** 128 plus the signal's number, once one has aborted `signal`. */
  readonly exitCode: number;
  /** Which signal it was, once one has come. */
  readonly name: NodeJS.Signals | undefined;
  dispose(): void;
} {
  const controller = new AbortController();
  let exitCode = 0;
  let first: NodeJS.Signals | undefined;
  let firstAt = 0;
  const stop = (name: NodeJS.Signals) => {
    if (name === first && performance.now() - firstAt < DOUBLED_MS) return;
    if (first !== undefined) process.exit(128 + NUMBERS[name as Ending]);
    first = name;
    firstAt = performance.now();
    exitCode = 128 + NUMBERS[name as Ending];
    controller.abort(new Error(`stopped by ${name}`));
  };
  const names = ['SIGINT', 'SIGTERM', ...endToo] as const;
  for (const name of names) process.on(name, stop);
  return {
    signal: controller.signal,
    end: () => controller.abort(new Error('ended')),
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
 * SIGUSR2 then ends nobody, and SIGUSR1 opens no inspector of Node's, through which any user of the host could take the
 * process over.
 */
export function ignoreStatusSignals(): void {
  for (const name of STATUS) process.on(name, () => {});
}

/** Until `dispose` SIGUSR1 and SIGUSR2 print what `say` returns, once that is there. */
export function statusSignals(print: (line: string) => void): {
  answer(say: () => string): void;
  dispose(): void;
} {
  let say = () => 'starting';
  const tell = () => print(`status: ${say()}`);
  for (const name of STATUS) process.on(name, tell);
  return {
    answer: (next) => {
      say = next;
    },
    dispose: () => {
      for (const name of STATUS) process.off(name, tell);
    },
  };
}
