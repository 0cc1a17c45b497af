/** What is done with a director while it is drained: a command, or what the operator does until Enter. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { MemberState } from '../../fleet/state.js';
import { TunvsError } from '../../values/errors.js';
import type { CliIo } from '../verb.js';

type Turn = (state: Pick<MemberState, 'member' | 'host' | 'name'>, signal: AbortSignal) => Promise<void>;

/** The command knows the director by variables. What it prints goes to standard error, as progress has standard output. */
export function commandTurn(command: string, { stderr }: Pick<CliIo, 'stderr'>): Turn {
  return async ({ member, host, name }, signal) => {
    signal.throwIfAborted();
    const child = spawn('sh', ['-c', command], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TUNVS_DIRECTOR: member, TUNVS_DIRECTOR_HOST: host, TUNVS_DIRECTOR_NAME: name },
    });
    child.stdout.pipe(stderr, { end: false });
    child.stderr.pipe(stderr, { end: false });
    const stop = () => void child.kill('SIGTERM');
    signal.addEventListener('abort', stop, { once: true });
    try {
      const [code, by] = (await once(child, 'close')) as [number | null, string | null];
      if (code === 0) return;
      const how = by === null ? `with ${code}` : `by ${by}`;
      throw new TunvsError('ERR_TUNVS_SYSTEM', `--run: the command for ${member} ended ${how}: see what it has said`);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  };
}

export function askedTurn({ stdin, stderr }: CliIo): Turn {
  return async ({ member, host }, signal) => {
    signal.throwIfAborted();
    const lines = createInterface({ input: stdin });
    const over = new AbortController();
    try {
      stderr.write(`Do with ${member} on ${host} what is to be done, then press Enter: `);
      const both = AbortSignal.any([signal, over.signal]);
      const line = once(lines, 'line', { signal: both }).then(() => true);
      const end = once(lines, 'close', { signal: both }).then(() => false);
      const isDone = await Promise.race([line, end]);
      if (!isDone)
        throw new TunvsError(
          'ERR_TUNVS_SYSTEM',
          `standard input has ended, and nobody has said that ${member} is done`,
        );
    } finally {
      over.abort();
      lines.close();
    }
  };
}
