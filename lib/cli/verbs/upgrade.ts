/** `tunvs upgrade` starts the program that is installed now in the place of a running director. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { TunvsError } from '../../values/errors.js';
import { addDaemonOptions, askDaemon, type DaemonArguments } from '../daemon-client.js';
import { toJson } from '../json.js';
import { readProcess } from '../run/running-process.js';
import type { Verb, VerbContext } from '../verb.js';

interface UpgradeOptions extends DaemonArguments {
  json?: boolean;
}

/** A director with many names to resolve, or many servers, may take its time. */
const READY_TIMEOUT_MS = 120_000;

const EXAMPLES = `
The new process gets the same options, environment and working folder, reads
its configuration, and then takes the place of the one that runs: packets wait
in the device meanwhile, none is lost, and connections go on. What was changed
by hand and stands in no file is gone afterwards. The director has to keep its
state (--state). If something is wrong before that moment, as with the
configuration, the director that runs goes on.

Its output goes where that of the other one goes. "systemctl reload" can be it:
see docs/redundancy.md.

Examples:
  $ npm install --global tunvs && tunvs upgrade
  $ tunvs upgrade --name blue`;

export const upgrade: Verb = {
  name: 'upgrade',
  summary: 'put the program that is installed now in the place of a running director, without losing a packet',

  configure(command: Command): void {
    addDaemonOptions(command)
      .option('--json', 'print JSON: { before, after, version }, the first two being processes')
      .addHelpText('after', EXAMPLES);
  },

  async run({ options, io }: VerbContext<UpgradeOptions>): Promise<void> {
    const { pid } = await askDaemon(options, (client) => client.status());
    const { words, environment, folder } = readProcess(pid);
    const command = [process.argv[1] as string, ...words, '--takeover'];
    const surroundings = { cwd: folder, env: environment };
    // What is wrong with it is said here, and not where the director writes.
    const { status, error } = spawnSync(process.execPath, [...command, '--dry-run'], {
      ...surroundings,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (error !== undefined) throw error;
    if (status !== 0)
      throw new TunvsError('ERR_TUNVS_INVALID_ARGUMENT', `process ${pid} goes on, for the reason that is said above`);
    const outputs = [1, 2].map((number) => outputOf(pid, number));
    const child = spawn(process.execPath, command, {
      ...{ ...surroundings, detached: true },
      stdio: ['ignore', ...outputs],
    });
    for (const output of outputs) if (typeof output === 'number') closeSync(output);
    const { version } = await ready(options, child);
    child.unref();
    if (options.json) io.stdout.write(`${toJson({ before: pid, after: child.pid, version })}\n`);
    else io.stdout.write(`process ${child.pid} (tunvs ${version}) directs in the place of process ${pid}\n`);
  },
};

/**
 * Opens what another process writes to. A socket cannot be opened: that of the journal is this process's own, and one to
 * a program that has started the other leads nowhere from here.
 */
function outputOf(pid: number, number: number): number | 'inherit' | 'ignore' {
  try {
    return openSync(`/proc/${pid}/fd/${number}`, constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK);
  } catch {
    // It is a socket, or nobody reads it any more.
    return process.env.JOURNAL_STREAM === undefined ? 'ignore' : 'inherit';
  }
}

/** Resolves with its status when the process directs; rejects when it ends before. */
async function ready(options: UpgradeOptions, child: ReturnType<typeof spawn>): Promise<{ version: string }> {
  let end: string | undefined;
  void once(child, 'exit').then(([code, signal]) => {
    end = `code ${code ?? signal}`;
  });
  const until = performance.now() + READY_TIMEOUT_MS;
  while (end === undefined && performance.now() < until) {
    // Between the two nobody answers.
    const found = await askDaemon(options, (client) => client.status()).catch(() => undefined);
    if (found?.pid === child.pid) return found as { version: string };
    await delay(50);
  }
  throw new TunvsError(
    'ERR_TUNVS_SYSTEM',
    end === undefined
      ? `process ${child.pid} has not become the director within ${READY_TIMEOUT_MS / 1000} seconds: see what it has said`
      : `the new process has ended (${end}): its output, which is where the director's goes, says why`,
  );
}
