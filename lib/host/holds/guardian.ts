/**
 * A process that takes back what its holder leaves when it is killed. It waits in a shell, which costs next to nothing,
 * for the end of a pipe that only the holder has. If the pipe ends without a word while the holder's journal is still
 * there, it becomes a Node process that cleans up (guardian-program.ts).
 *
 * It has a session of its own and ignores signals that are meant for its holder; it ends when the holder does, and
 * shares none of its descriptors. If it is killed too, as by a service manager that kills all processes of a service,
 * the next start cleans up.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FOLDER_VARIABLE } from './folder.js';

/** With `off`, what a killed process leaves stays until the next start. */
export const GUARDIAN_VARIABLE = 'TUNVS_GUARDIAN';

const PROGRAM = fileURLToPath(new URL('./guardian-program.js', import.meta.url));

/** $0 is its name in ps, $1 the journal, $2 how many seconds a successor has, the rest the command. */
const WAIT =
  'trap "" HUP INT TERM; read -r _ && exit; test -e "$1" && { test "$2" = 0 || sleep "$2"; } && test -e "$1" && ' +
  'shift 2 && exec "$@"';

export class Guardian {
  /** Says in one sentence why there is no guardian. */
  readonly problem: string | undefined;
  readonly #child: ChildProcess;

  /** For `patienceSeconds` after a kill everything stays as it is, for a successor of the holder. */
  constructor(folder: string, id: string, patienceSeconds = 0) {
    const { PATH, [FOLDER_VARIABLE]: runtime } = process.env;
    const command = [process.execPath, PROGRAM, folder, id];
    const journal = join(folder, `${id}.journal`);
    this.#child = spawn('/bin/sh', ['-c', WAIT, 'tunvs-guardian', journal, `${patienceSeconds}`, ...command], {
      detached: true,
      cwd: '/',
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { ...(PATH && { PATH }), ...(runtime && { [FOLDER_VARIABLE]: runtime }) },
    });
    this.#child.on('error', () => {});
    this.#child.stdin?.on('error', () => {});
    if (this.#child.pid === undefined) {
      this.problem =
        'no guardian process can be started (/bin/sh), so what this process leaves on the host when it is killed stays ' +
        'until the next start: install a shell, or allow one more process';
      return;
    }
    this.#child.unref();
    (this.#child.stdin as unknown as { unref(): void }).unref();
  }

  /** The holder has taken everything back. */
  dismiss(): void {
    this.#child.stdin?.end('done\n');
  }
}
