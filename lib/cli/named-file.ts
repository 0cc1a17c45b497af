/** Reads a file that an option names, and that a running command may have to read again. */
import { constants, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { TunvsError } from '../values/errors.js';
import { reading } from './files.js';

export interface ReadableFile {
  /** As in `--rules`. */
  option: string;
  file: string;
  /** What it holds, as in `a file of rules`. */
  holds: string;
  /** Stands last in a sentence about a file that cannot be read. */
  mend: string;
  /** It was read before. A FIFO is refused then: nobody may ever write to it. */
  isAgain: boolean;
}

export function readNamedFile({ isAgain, holds, ...named }: ReadableFile): Promise<Buffer> {
  return reading(named, async () => {
    // Without O_NONBLOCK the opening of a FIFO waits for a writer, and the process cannot end meanwhile.
    const handle = await open(named.file, constants.O_RDONLY | (isAgain ? constants.O_NONBLOCK : 0));
    try {
      if (isAgain) refuseUnlessFile(`${named.option} ${named.file}`, holds, await handle.stat());
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  });
}

function refuseUnlessFile(named: string, holds: string, status: Stats): void {
  if (status.isFile()) return;
  const what = status.isFIFO() ? 'a FIFO' : status.isDirectory() ? 'a folder' : 'a device';
  throw new TunvsError(
    'ERR_TUNVS_RULES',
    `${named}: it is ${what}, and a reload needs a file: put ${holds} in its place`,
  );
}
