/** How a running `tunvs run` was started, as /proc has it. */
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { TunvsError } from '../../values/errors.js';

export interface RunningProcess {
  /** `run` and its options. */
  words: string[];
  environment: NodeJS.ProcessEnv;
  /** Its working folder. */
  folder: string;
}

/**
 * A process can write anything into what is read here, so only one of this very user is believed.
 *
 * @throws {@link TunvsError} ERR_TUNVS_PERMISSION, ERR_TUNVS_NOT_FOUND, ERR_TUNVS_UNSUPPORTED.
 */
export function readProcess(pid: number): RunningProcess {
  const path = `/proc/${pid}`;
  const { uid } = statSync(path, { throwIfNoEntry: false }) ?? {};
  if (uid === undefined)
    throw new TunvsError(
      'ERR_TUNVS_NOT_FOUND',
      `process ${pid} is not among this host's: it runs in another container, so run this there`,
    );
  if (uid !== process.geteuid?.())
    throw new TunvsError(
      'ERR_TUNVS_PERMISSION',
      `process ${pid} is user ${uid}'s, whose word this user does not take for how to start a director: run this as that ` +
        'user, or start the director yourself with --takeover',
    );
  const listed = (name: string) => readFileSync(`${path}/${name}`, 'utf8').split('\0').filter(Boolean);
  const all = listed('cmdline');
  const begin = all.indexOf('run');
  if (begin < 0)
    throw new TunvsError(
      'ERR_TUNVS_UNSUPPORTED',
      `process ${pid} was not started by "tunvs run": a program of your own opens its successor with "takeover: true"`,
    );
  const words = all.slice(begin).filter((word) => word !== '--takeover');
  if (words.includes('-'))
    throw new TunvsError(
      'ERR_TUNVS_UNSUPPORTED',
      `process ${pid} has read its configuration from standard input, which is gone: start it with a file`,
    );
  // It names the process that systemd's watchdog listens to, which is another one from now on.
  const environment = Object.fromEntries(
    listed('environ')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const)
      .filter(([name]) => name !== '' && name !== 'WATCHDOG_PID'),
  );
  return { words, environment, folder: readlinkSync(`${path}/cwd`) };
}
