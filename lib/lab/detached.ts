/** Runs short programs that Ctrl-C must not end, since that would leave a lab half built or half removed. */
import { type SpawnSyncOptionsWithStringEncoding, type SpawnSyncReturns, spawnSync } from 'node:child_process';

export function runDetached(
  file: string,
  args: readonly string[],
  options: Omit<SpawnSyncOptionsWithStringEncoding, 'encoding'> = {},
): SpawnSyncReturns<string> {
  // Node takes `detached` here as spawn() does, though its types do not say so.
  const detached = { ...options, encoding: 'utf8', detached: true } as const;
  return spawnSync(file, args, detached);
}
