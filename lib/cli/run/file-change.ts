/**
 * Reads a configuration again when one of its files has changed, however that is done: written in place, replaced by
 * renaming, or swapped behind a symbolic link. Files are looked at once a second, which works on every file system.
 */
import { stat } from 'node:fs/promises';
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
    let known: string | undefined;
    let before: string | undefined;
    let isLooking = false;
    let isOver = false;
    let timer: NodeJS.Timeout | undefined;
    const look = async () => {
      const now = await looks(configuration);
      const isSettled = now === before;
      before = now;
      if (now === known || !isSettled || isOver) return;
      known = now;
      const files = configuration.files();
      try {
        await reload();
      } catch {
        // It has told what is wrong, and the next change is read again.
      }
      // The files may be others now, such as those of an include. What changed meanwhile is seen at the next look.
      if (configuration.files().join() !== files.join()) known = before = await looks(configuration);
    };
    const inTurn = () => {
      if (isLooking) return;
      isLooking = true;
      void look().finally(() => {
        isLooking = false;
      });
    };
    return {
      listen: async () => {
        known = before = await looks(configuration);
        if (!isOver) timer = setInterval(inTurn, lookMs);
      },
      detach: () => {
        isOver = true;
        clearInterval(timer);
      },
    };
  };
}

/** So many files are asked at a time, as there may be very many. */
const AT_A_TIME = 100;

async function looks(configuration: Pick<Configuration, 'files'>): Promise<string> {
  const paths = configuration.files();
  const seen: string[] = [];
  for (let from = 0; from < paths.length; from += AT_A_TIME)
    seen.push(...(await Promise.all(paths.slice(from, from + AT_A_TIME).map(look))));
  return seen.join('\n');
}

async function look(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs].join();
  } catch {
    // It may come back, as while it is replaced.
    return 'gone';
  }
}
