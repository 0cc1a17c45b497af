/** Connection sync of `tunvs run`: its options, and how it follows the director's role. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Director } from '../../director/director.js';
import type { Spec } from '../../config/spec.js';
import type { Attachment } from '../../daemon/daemon.js';
import { checkedSyncOptions, type SyncState } from '../../director/sync.js';
import { type SyncByRoleOptions, syncByRole } from '../../director/sync-by-role.js';
import { TunvsError } from '../../values/errors.js';
import { UsageError } from '../verb.js';
import type { Tell } from './teller.js';

export interface SyncArguments {
  syncPeers?: string[];
  syncKeyFile?: string;
}

export function addSyncOptions(command: Command): Command {
  return command
    .option(
      '--sync-peers <list>',
      'tell these directors of the connections while it is active, and be told by them while it is a standby, as in ' +
        '10.2.0.3,10.2.0.4:8848 (docs/sync.md)',
      (text) => text.split(','),
    )
    .option('--sync-key-file <file>', 'file with the keys by which peers sign; without it the network is believed');
}

/** What the command line says, or else the file. */
export function syncOptionsOf(
  { syncPeers, syncKeyFile }: SyncArguments,
  said: Spec['sync'],
): SyncByRoleOptions | undefined {
  const keyFile = syncKeyFile ?? said?.keyFile;
  const peers = syncPeers ?? said?.peers;
  if (syncKeyFile !== undefined && peers === undefined)
    throw new UsageError('--sync-key-file signs what is told to peers: name them by --sync-peers');
  if (peers === undefined && said === undefined) return undefined;
  const options = { ...said, ...(peers && { peers }), ...(keyFile !== undefined && { keyFile }) } as SyncByRoleOptions;
  try {
    const { as: _, ...others } = options;
    checkedSyncOptions({ ...others, role: 'backup' });
  } catch (error) {
    if (!(error instanceof TunvsError)) throw error;
    const option = { peers: '--sync-peers', keyFile: '--sync-key-file' }[error.option ?? ''] ?? `sync.${error.option}`;
    throw new UsageError(`${option}: ${error.message.replace(/^startSync: \w+: /, '')}`);
  }
  return options;
}

/** How long the daemon whose place this one takes may still have the port, in milliseconds. */
const PATIENCE_MS = 10_000;
const AGAIN_MS = 100;

/** `isTakeover`: another daemon may be about to close. */
export function keepSync(options: SyncByRoleOptions, tell: Tell, isTakeover: boolean): Attachment {
  return ({ director, over }) => {
    let sync: Disposable | undefined;
    const begin = () =>
      syncByRole(director, options, (error) => tell('warn', 'sync', `connection sync does not run: ${error.message}`));
    return {
      async listen() {
        const until = Date.now() + PATIENCE_MS;
        while (sync === undefined && !over.aborted) {
          try {
            sync = begin();
          } catch (error) {
            if (!isTakeover || Date.now() > until) throw error;
            await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
          }
        }
      },
      ready: () => tellOfPeers(director, tell, over),
      detach: () => sync?.[Symbol.dispose](),
    };
  };
}

const LOOK_MS = 1000;
const WORDS = { away: 'is away', transferring: 'is being told all', caughtUp: 'is caught up' } as const;
const HEARD_WORDS = { away: 'is away', transferring: 'tells all', caughtUp: 'has told all' } as const;

/** Tells what becomes of the peers, and what they send in vain, until `over`. */
async function tellOfPeers(director: Director, tell: Tell, over: AbortSignal): Promise<void> {
  let before = new Map<string, string>();
  while (!over.aborted) {
    const now = conditionsOf(director.sync);
    for (const [peer, condition] of now) {
      const was = before.get(peer);
      // A peer that was not heard of yet is no news.
      if (was === condition || (was === undefined && condition.endsWith(WORDS.away))) continue;
      tell(condition.includes('refused') || condition.endsWith(WORDS.away) ? 'warn' : 'info', 'sync', condition);
    }
    before = now;
    // It rejects when the director ends, which the loop sees.
    await delay(LOOK_MS, undefined, { signal: over, ref: false }).catch(() => {});
  }
}

function conditionsOf({ master, backup }: SyncState): Map<string, string> {
  const told = (master?.peers ?? []).map(
    (peer) => [`master ${peer.address}`, `sync: ${peer.address} ${WORDS[peer.state]}`] as const,
  );
  const heard = (backup?.peers ?? []).map(
    (peer) => [`backup ${peer.address}`, `sync: ${peer.address} ${HEARD_WORDS[peer.state]}`] as const,
  );
  const refused = [...(master?.peers ?? []), ...(backup?.peers ?? [])].flatMap(({ address, state, lastRefusal }) =>
    state !== 'away' || lastRefusal === undefined
      ? []
      : [[`refused ${address}`, `sync: what ${address} sends is refused: ${lastRefusal}`] as const],
  );
  return new Map([...told, ...heard, ...refused]);
}
