/** `tunvs sync` shows what directors tell each other of their connections, and waits until one has all of them. */
import type { Command } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HeardPeer, SyncState, ToldPeer } from '../../director/sync.js';
import { listDaemons } from '../../rules/listing/daemons.js';
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

A director is caught up when each peer that is there has all connections of the
other, and at least one is there. A standby that is caught up may take over
without resetting connections, and an active one may go when its peers are.

Examples:
  $ tunvs sync
  $ tunvs sync --json
  $ tunvs sync --caught-up && tunvs role active
  $ tunvs sync --wait 60 && systemctl stop tunvs@web`;

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
      .option('--json', 'print JSON: { isCaughtUp, master, backup }')
      .addHelpText('after', EXAMPLES);
  },

  async run({ options, io }: VerbContext<SyncVerbOptions>): Promise<void> {
    const until = Date.now() + (options.wait ?? 0);
    const ask = () => askDaemon(options, (client) => client.sync()) as Promise<SyncState>;
    let state = await ask();
    while (options.wait !== undefined && state.isCaughtUp !== true && Date.now() < until) {
      await sleep(AGAIN_MS);
      state = await ask();
    }
    const text = listDaemons(state);
    io.stdout.write(options.json ? `${toJson(state)}\n` : text === '' ? 'no role of connection sync runs\n' : text);
    if ((options.caughtUp || options.wait !== undefined) && state.isCaughtUp !== true)
      throw new Error(notCaughtUp(state));
  },
};

function notCaughtUp({ master, backup }: SyncState): string {
  const peers: readonly (ToldPeer | HeardPeer)[] = [...(master?.peers ?? []), ...(backup?.peers ?? [])];
  if (peers.length === 0)
    return 'the director has no peers, so nobody is caught up: begin with "tunvs run --sync-peers"';
  const behind = peers.filter(({ state }) => state === 'transferring').map(({ address }) => address);
  return behind.length === 0
    ? `no peer is heard: look whether ${peers[0]?.address} runs, and has the same keys and syncid`
    : `not caught up with ${behind.join(', ')} yet`;
}
