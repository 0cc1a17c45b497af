/**
 * Ends what checks have started when this process ends, even by SIGKILL: a shell that knows the process groups, and
 * reads what it has to know from a pipe, which ends with this process.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/** Removes ` 7 ` from ` 5 7 9 ` with the expansions of POSIX, so that nothing but the shell is needed. */
const SCRIPT = `
trap '' HUP INT TERM
groups=' '
while read -r change group; do
  case $change in
    +) groups="$groups$group " ;;
    -) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group"; done
`;

export class Guardian {
  readonly #groups = new Set<number>();
  readonly #shell: string;
  #process: ChildProcess | undefined;

  constructor(shell = '/bin/sh') {
    this.#shell = shell;
  }

  /** The process that guards now; for tests. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Is called before a program is started, so that nothing but a line is between its start and its guard. */
  prepare(): void {
    if (!this.#process) this.#start();
  }

  add(group: number): void {
    this.#groups.add(group);
    if (this.#process) this.#tell(`+ ${group}`);
    else this.#start();
  }

  remove(group: number): void {
    if (this.#groups.delete(group)) this.#tell(`- ${group}`);
  }

  /** Ends all groups that are known, as the end of this process does. */
  close(): void {
    this.#process?.stdin?.end();
    this.#process = undefined;
  }

  /** Without a shell, programs go unguarded: they run all the same. */
  #start(): void {
    const started = spawn(this.#shell, ['-c', SCRIPT], {
      cwd: '/',
      env: {},
      // Ctrl+C in a terminal ends this process, and is not for the one that cleans up after it.
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#process = started;
    const gone = () => {
      if (this.#process === started) this.#process = undefined;
    };
    started.on('error', gone).on('exit', gone);
    // A write to one that is gone fails; the next program starts another.
    started.stdin.on('error', () => {});
    started.unref();
    (started.stdin as unknown as Socket).unref();
    for (const group of this.#groups) this.#tell(`+ ${group}`);
  }

  #tell(line: string): void {
    this.#process?.stdin?.write(`${line}\n`);
  }
}
