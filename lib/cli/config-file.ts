/** Reads a configuration or rules that an operand names. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Mistake } from '../config/mistake.js';
import { MAX_BYTES } from '../config/read/files.js';
import type { ParsedConfig, RefusedConfig } from '../config/parse-config.js';
import { TunvsError } from '../values/errors.js';
import { reading } from './files.js';
import type { CliIo } from './verb.js';

const MEND = 'name a configuration or a file of rules';

/** `-` is standard input. */
export async function readOperand(file: string, { stdin }: CliIo): Promise<Buffer> {
  if (file === '-') return whole(stdin, file);
  return reading({ option: 'FILE', file, mend: MEND }, async () => {
    await using handle = await open(file);
    return await whole(piecesOf(handle), file);
  });
}

/** Reads the file of a running director. A pipe, which may never end, was for the start only. */
export async function readAgain(file: string): Promise<Buffer> {
  return reading({ option: 'FILE', file, mend: MEND }, async () => {
    await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const status = await handle.stat();
    if (!status.isFile() && !status.isDirectory())
      throw new TunvsError(
        'ERR_TUNVS_SYSTEM',
        `FILE ${file}: it is no ordinary file, and cannot be read again: ${MEND}`,
      );
    return await whole(piecesOf(handle), file);
  });
}

/** A stream would close the handle by itself. */
async function* piecesOf(handle: FileHandle): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(2 ** 16));
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

async function whole(stream: AsyncIterable<Uint8Array | string>, file: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of stream) {
    pieces.push(Buffer.from(piece as Uint8Array));
    bytes += (pieces.at(-1) as Buffer).length;
    if (bytes > MAX_BYTES)
      throw new TunvsError('ERR_TUNVS_SYSTEM', `FILE ${file}: it is larger than 64 MiB: divide it by includes`);
  }
  return Buffer.concat(pieces);
}

/** Tells rules from a configuration by the file's name; of standard input by what begins its first line. */
export function isRules(file: string, text: string): boolean {
  if (/\.(ya?ml|json)$/.test(file)) return false;
  if (/\.(rules|ipvs|ipvsadm)$/.test(file)) return true;
  const first = text.split('\n').find((line) => line.trim() !== '' && !line.trimStart().startsWith('#')) ?? '';
  return /^\s*(ipvsadm\s|-[A-Za-z-]|sysctl\s|mark\s+(\d|delete|flush))/.test(first);
}

/** Mistakes are in the words of the command line: standard input has no path. */
export async function readConfig(file: string, bytes: Uint8Array): Promise<ParsedConfig | RefusedConfig> {
  const { parseConfig } = await import('../config/parse-config.js');
  return parseConfig(bytes, { path: file });
}

/** Prints what is wrong, and returns whether anything is. */
export async function sayMistakes(
  { mistakes = [], warnings }: { mistakes?: readonly Mistake[]; warnings: readonly Mistake[] },
  { stderr }: CliIo,
): Promise<boolean> {
  const { mistakeSentence } = await import('../config/mistake.js');
  for (const warning of warnings) stderr.write(`warning: ${mistakeSentence(warning)}\n`);
  for (const mistake of mistakes) stderr.write(`${mistakeSentence(mistake)}\n`);
  return mistakes.length > 0;
}
