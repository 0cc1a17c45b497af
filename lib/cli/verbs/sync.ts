/** `tunvs sync` shows what directors tell each other of their connections, and waits until one has all of them. */
import type { Command } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HeardPeer, SyncState, ToldPeer } from '../../director/sync.js';
import { listDaemons } from '../../rules/listing/daemons.js';
import { TunvsError } from '../../values/errors.js';
import { secondsArgument } from '../arguments.js';
import { addDaemonOptions, askDaemon, type DaemonArguments } from '../daemon-client.js';
import { toJson } from '../json.js';
import type { Verb, VerbContext } from '../verb.js';

interface SyncVerbOptions extends DaemonArguments {
  json?: boolean;
  caughtUp?: boolean;
  wait?: number;
}

const EXAMPLES = `
The roles begin with "tunvs run --sync-peers", with "sync" of the configuration
file, or with "tunvsadm --start-daemon", and docs/sync.md says what is told.

An active director is caught up when a peer has been told all, and a standby
when it has all of a peer, also of one that has gone within the last minute;
neither while a transfer goes on. A standby that is caught up may take over
without resetting connections, and an active one may go. Two standbys tell each
other nothing: make one of them active first.

Examples:
  $ tunvs sync
  $ tunvs sync --json
  $ tunvs sync --wait 60
  $ tunvs sync --caught-up && systemctl stop tunvs@web`;

const AGAIN_MS = 250;

export const sync: Verb = {
  name: 'sync',
  summary: 'show what directors tell each other of their connections',

  configure(command: Command): void {
    addDaemonOptions(command)
      .option('--caught-up', 'end with 1 unless all that is to be told has been told')
      .option(
        '--wait <seconds>',
        'wait as long for that, and end with 1 if it does not happen',
        secondsArgument(0, 86400),
      )
      .option('--json', 'print JSON: { isCaughtUp, master, backup }, the first with peers')
      .addHelpText('after', EXAMPLES);
  },

  async run({ options, io }: VerbContext<SyncVerbOptions>): Promise<void> {
    const until = Date.now() + (options.wait ?? 0);
    const ask = () => askDaemon(options, (client) => client.sync()) as Promise<SyncState>;
    const askWhileWaiting = () =>
      ask().catch((error: unknown) => {
        // It may be starting.
        if (error instanceof TunvsError && error.code === 'ERR_TUNVS_NOT_FOUND' && Date.now() < until) return {};
        throw error;
      });
    let state: SyncState = await askWhileWaiting();
    while (state.isCaughtUp !== true && Date.now() < until) {
      await sleep(AGAIN_MS);
      state = await askWhileWaiting();
    }
    const text = listDaemons(state);
    io.stdout.write(options.json ? `${toJson(state)}\n` : text === '' ? 'no role of connection sync runs\n' : text);
    if ((options.caughtUp || options.wait !== undefined) && state.isCaughtUp !== true)
      throw new Behind(notCaughtUp(state));
  },
};

/** Not all is told, and that was asked for. The message is one sentence. */
class Behind extends Error {
  readonly code = 'BEHIND';
}

function notCaughtUp({ master, backup }: SyncState): string {
  const peers: readonly (ToldPeer | HeardPeer)[] = [...(master?.peers ?? []), ...(backup?.peers ?? [])];
  if (peers.length === 0)
    return 'the director has no peers, so nobody is caught up: begin with "tunvs run --sync-peers"';
  const refused = peers.find(({ lastRefusal }) => lastRefusal !== undefined);
  const behind = peers.filter(({ state }) => state === 'transferring').map(({ address }) => address);
  if (behind.length > 0) return `not caught up with ${behind.join(', ')} yet`;
  if (refused !== undefined)
    return `no peer is heard, and what ${refused.address} sends is refused: ${refused.lastRefusal}, which docs/sync.md explains`;
  const { address } = peers[0] as ToldPeer | HeardPeer;
  return master === undefined
    ? `no peer is heard: look whether ${address} runs, and is active, as standbys tell nothing`
    : `no peer is heard: look whether ${address} runs, and has the same keys, syncid and port`;
}
