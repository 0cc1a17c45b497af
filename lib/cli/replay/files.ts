/** The files that a replay reads and writes. */
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { UsageError } from '../verb.js';

export interface ReplayFiles {
  in: string;
  rules: string;
  out?: string | undefined;
  stats?: string | undefined;
}

/** Refuses options of which one would write over the file of another. */
export async function refuseSameFiles(files: ReplayFiles): Promise<void> {
  const named = await Promise.all(
    (['in', 'rules', 'out', 'stats'] as const).map(async (option) => ({ option, id: await identify(files[option]) })),
  );
  for (const [index, written] of named.entries()) {
    if (written.option !== 'out' && written.option !== 'stats') continue;
    const other = named.slice(0, index).find(({ id }) => id !== undefined && id === written.id);
    if (other === undefined) continue;
    throw new UsageError(
      `--${other.option} and --${written.option} are the same file, ${files[written.option]}: write to another one`,
    );
  }
}

/** Returns undefined for what holds nothing that could be lost: a standard stream, or a device. */
async function identify(path: string | undefined): Promise<string | undefined> {
  if (path === undefined || path === '-') return undefined;
  try {
    const status = await stat(path);
    return status.isCharacterDevice() ? undefined : `${status.dev} ${status.ino}`;
  } catch {
    // It is not there yet, or it cannot be examined: opening it says why.
    return join(await realpath(dirname(path)).catch(() => dirname(resolve(path))), basename(path));
  }
}
