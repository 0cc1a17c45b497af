/** Connection sync of `tunvs run`: its options, and how it follows the director's role. */
import type { Command } from 'commander';
import type { Spec } from '../../config/spec.js';
import type { Attachment } from '../../daemon/daemon.js';
import { type SyncByRoleOptions, syncByRole } from '../../director/sync-by-role.js';
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
  return { ...said, ...(peers && { peers }), ...(keyFile !== undefined && { keyFile }) } as SyncByRoleOptions;
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
      detach: () => sync?.[Symbol.dispose](),
    };
  };
}
