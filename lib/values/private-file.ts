/** Files with secrets in them, which not everybody may read. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { TunvsError } from './errors.js';
import { optionOf } from './options.js';

/** No secret is longer, in bytes. */
const MAX_BYTES = 65_536;

/** What a secret is called, and the command that makes a file with one; FILE stands for its name. */
export interface Secret {
  readonly what: string;
  readonly make: string;
}

/**
 * Reads a file that holds a secret. A message never has what stands in it.
 *
 * @param option What the file is the value of, with the call before it.
 * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT for one that cannot be read, and that any user may read or write.
 */
export function readPrivateFile(option: string, file: string, { what, make }: Secret): string {
  const unreadable = (why: string, cause?: unknown) =>
    new TunvsError('ERR_TUNVS_INVALID_ARGUMENT', `${option}: ${what} cannot be read: ${why}`, {
      option: optionOf(option),
      ...(cause !== undefined && { cause }),
    });
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      throw unreadable(`there is no file ${file}: make one by "${make.replace('FILE', file)}"`, error);
    const mend = code === 'EACCES' ? ': let the user read it who runs the director' : '';
    throw unreadable(`${message}${mend}`, error);
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw unreadable(`${file} is not a file: name a file with ${what} in it`);
    const mode = status.mode & 0o777;
    if ((mode & 0o006) !== 0)
      throw unreadable(`${file} has mode ${mode.toString(8)}, so any user knows it: chmod 600 ${file}`);
    if (status.size > MAX_BYTES) throw unreadable(`${file} has ${status.size} bytes, of at most ${MAX_BYTES}`);
    return readFileSync(descriptor, 'utf8');
  } catch (error) {
    if (error instanceof TunvsError) throw error;
    throw unreadable(`${file}: ${(error as Error).message}`, error);
  } finally {
    closeSync(descriptor);
  }
}
