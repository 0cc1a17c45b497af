/** Asks a running director by its control socket, for the verbs that look at it or steer it. */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import type { ControlClient } from '../control/client-types.js';
import { DEFAULT_NAME } from '../daemon/daemon-name.js';
import { TunvsError } from '../values/errors.js';
import { printableMembers } from '../values/printable.js';
import { nameArgument } from './arguments.js';

export interface DaemonArguments {
  name?: string;
  socket?: string;
}

export function addDaemonOptions(command: Command): Command {
  return command
    .option('--name <name>', 'name of the daemon (default: tunvs)', nameArgument)
    .option('--socket <path>', 'path of its control socket (default: /run/tunvs/NAME.sock, or TUNVS_SOCKET)');
}

/** The socket that the command line names, or the environment. */
async function socketOf({ name, socket }: DaemonArguments): Promise<string> {
  if (socket !== undefined) return socket;
  const { TUNVS_SOCKET } = process.env;
  if (name === undefined && TUNVS_SOCKET) return TUNVS_SOCKET;
  const { runtimeFolder } = await import('../host/holds/folder.js');
  return join(runtimeFolder(), `${name ?? DEFAULT_NAME}.sock`);
}

/** Runs `ask`; a daemon that is not there becomes a sentence with the mend. */
export async function askDaemon<T>(given: DaemonArguments, ask: (client: ControlClient) => Promise<T>): Promise<T> {
  const [socket, { createClient }] = await Promise.all([socketOf(given), import('../control/client.js')]);
  try {
    // Whoever owns the socket may be somebody else than a daemon.
    return printableMembers(await ask(createClient({ socket })));
  } catch (error) {
    throw unreachable(error, socket) ?? error;
  }
}

function unreachable(error: unknown, socket: string): TunvsError | undefined {
  const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
  const options = { cause: error };
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTSOCK') {
    const sentence = `no director answers at ${socket}: start one with "tunvs run", or name ${others(socket)}`;
    return new TunvsError('ERR_TUNVS_NOT_FOUND', sentence, options);
  }
  if (code !== 'EACCES' && code !== 'EPERM') return undefined;
  const sentence =
    `${socket} may not be used: it is for root, the daemon's own user and the group of --control-group: ` +
    'run this as one of them';
  return new TunvsError('ERR_TUNVS_PERMISSION', sentence, options);
}

/** The usual mistake is a daemon of another name. */
function others(socket: string): string {
  let names: string[] = [];
  try {
    names = readdirSync(dirname(socket))
      .filter((file) => file.endsWith('.sock') && !socket.endsWith(`/${file}`))
      .map((file) => file.slice(0, -'.sock'.length));
  } catch {
    // No folder, no daemons.
  }
  if (names.length === 0) return 'it with --name or --socket';
  return `another with --name (there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')})`;
}
