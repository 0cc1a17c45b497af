/** Reads files of the command line no further than a configuration or rules go: a device may have no end. */
import { constants, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { constants as os } from 'node:os';
import { MAX_BYTES } from '../config/read/files.js';

/** Makes the error for a file that is read again, and is no file any more. */
export type RefuseOther = (what: 'a FIFO' | 'a folder' | 'a device') => Error;

/**
 * @param refuseOther - Given when the file was read before. A FIFO is refused then: nobody may ever write to it, and
 * whoever opens it waits for that.
 */
export async function readFileBounded(file: string, refuseOther?: RefuseOther): Promise<Buffer> {
  const handle = await open(file, constants.O_RDONLY | (refuseOther ? constants.O_NONBLOCK : 0));
  try {
    if (refuseOther) refuseUnlessFile(await handle.stat(), refuseOther);
    return await readBounded(handle.createReadStream({ autoClose: false }));
  } finally {
    await handle.close();
  }
}

/** Throws an error with the code EFBIG where there is more. */
export async function readBounded(stream: AsyncIterable<string | Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    const part = Buffer.from(chunk as Buffer);
    bytes += part.length;
    if (bytes > MAX_BYTES)
      throw Object.assign(new Error('it is larger than 64 MiB'), { code: 'EFBIG', errno: -os.errno.EFBIG });
    chunks.push(part);
  }
  return Buffer.concat(chunks);
}

function refuseUnlessFile(status: Stats, refuseOther: RefuseOther): void {
  if (status.isFile()) return;
  throw refuseOther(status.isFIFO() ? 'a FIFO' : status.isDirectory() ? 'a folder' : 'a device');
}
