/**
 * Reads a configuration again when one of its files has changed, however that is done: written in place, replaced by
 * renaming, or swapped behind a symbolic link. Files are looked at once a second, which works on every file system.
 */
import { type BigIntStats, statSync } from 'node:fs';
import type { Attachment } from '../../daemon/daemon.js';
import type { Configuration } from './configuration.js';
import type { Reload } from './doors.js';

const LOOK_MS = 1000;

/** A file that is still being written changes from look to look, and is read when it does so no longer. */
export function onFileChange(
  configuration: Pick<Configuration, 'files'>,
  reload: Reload,
  lookMs = LOOK_MS,
): Attachment {
  return () => {
    let known = looks(configuration);
    let before = known;
    let isReading = false;
    const look = async () => {
      const now = looks(configuration);
      const isSettled = now === before;
      before = now;
      if (now === known || !isSettled || isReading) return;
      known = now;
      isReading = true;
      const files = configuration.files();
      try {
        await reload();
      } catch {
        // It has told what is wrong, and the next change is read again.
      }
      isReading = false;
      // The files may be others now, such as those of an include. What changed meanwhile is seen at the next look.
      if (configuration.files().join() !== files.join()) known = before = looks(configuration);
    };
    const timer = setInterval(() => void look(), lookMs);
    return { detach: () => clearInterval(timer) };
  };
}

function looks(configuration: Pick<Configuration, 'files'>): string {
  return configuration.files().map(look).join('\n');
}

function look(path: string): string {
  try {
    const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true }) as BigIntStats;
    return [dev, ino, size, mtimeNs].join();
  } catch {
    // It may come back, as while it is replaced.
    return 'gone';
  }
}
