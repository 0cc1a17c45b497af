/**
 * Ends what checks have started when this process ends, even by SIGKILL: a shell that knows the process groups, and
 * reads what it has to know from a pipe, which ends with this process.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';

/**
 * Each group is named as soon as it is known. A program that has been started, but whose group nobody could name any
 * more, is found by the variable of its environment; a second look finds what it was forking or executing meanwhile.
 *
 * The expansions remove ` 7 ` from ` 5 7 9 ` with the means of POSIX.
 */
const SCRIPT = `
trap '' HUP INT TERM
groups=' ' starting=''
while read -r change what; do
  case $change in
    start) starting=$what ;;
    +) groups="$groups$what " starting='' ;;
    -) groups="\${groups%% $what *} \${groups#* $what }" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group"; done
[ -n "$starting" ] || exit 0
for look in 1 2; do
  for file in $(grep -ls "TUNVS_RUN=$starting" /proc/[0-9]*/environ); do
    pid=\${file#/proc/}
    kill -s KILL "\${pid%/*}"
  done
  sleep 1
done
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

  /** Is called before a program is started; returns what has to stand in its environment. */
  starting(): { TUNVS_RUN: string } {
    if (!this.#process) this.#start();
    const run = randomBytes(8).toString('hex');
    this.#tell(`start ${run}`);
    return { TUNVS_RUN: run };
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
      env: { PATH: '/usr/bin:/bin' },
      // Ctrl+C in a terminal ends this process, and is not for the one that cleans up after it.
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#process = started;
    const gone = () => {
      if (this.#process === started) this.#process = undefined;
    };
    started.on('error', gone).on('exit', gone);
    // Without a descriptor for it there is no pipe either.
    const stdin = started.stdin as typeof started.stdin | undefined;
    // A write to one that is gone fails; the next program starts another.
    stdin?.on('error', () => {});
    started.unref();
    (stdin as unknown as Socket | undefined)?.unref();
    for (const group of this.#groups) this.#tell(`+ ${group}`);
  }

  #tell(line: string): void {
    this.#process?.stdin?.write(`${line}\n`);
  }
}
