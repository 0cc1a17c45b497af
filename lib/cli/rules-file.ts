/** Reads rules from a file or from standard input and checks them against what the engine was built with. */
import { constants, fstatSync, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { RulesError } from '../rules/errors.js';
import { parseRules, type RuleLine } from '../rules/parse-rules.js';
import { reading } from './files.js';
import type { CliIo } from './verb.js';

export interface RulesFileOptions {
  /** `-` is standard input. */
  file: string;
  /** Whether `@SECONDS` may stand before a rule. */
  isTimed: boolean;
  /** The rules were read before. A FIFO is refused then: nobody may ever write to it. */
  isAgain?: boolean;
}

export async function readRules({ file, isTimed, isAgain = false }: RulesFileOptions, io: CliIo): Promise<RuleLine[]> {
  const text = file === '-' ? await readAll(io.stdin) : await readNamed(file, isAgain);
  const [{ native }, { ruleWarnings }] = await Promise.all([
    import('../native/addon.js'),
    import('../rules/warnings.js'),
  ]);
  const lines = parseRules(text, { file, support: native, isTimed });
  for (const warning of ruleWarnings(lines)) io.stderr.write(`${warning}\n`);
  return lines;
}

async function readNamed(file: string, isAgain: boolean): Promise<string> {
  if (file === '') throw new RulesError('--rules: the name is empty: give a file, or - for standard input');
  const mend = 'name a file of rules as ipvsadm -S -n prints them';
  return reading({ option: '--rules', file, mend }, async () => {
    // Without O_NONBLOCK the opening of a FIFO waits for a writer, and the process cannot end meanwhile.
    const handle = await open(file, constants.O_RDONLY | (isAgain ? constants.O_NONBLOCK : 0));
    try {
      if (isAgain) refuseUnlessFile(file, await handle.stat());
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  });
}

function refuseUnlessFile(file: string, status: Stats): void {
  if (status.isFile()) return;
  const what = status.isFIFO() ? 'a FIFO' : status.isDirectory() ? 'a folder' : 'a device';
  throw new RulesError(`--rules ${file}: it is ${what}, and a reload needs a file: put a file of rules in its place`);
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  refuseFolder(stream);
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

/** Node takes a folder as standard input for an empty file. */
function refuseFolder({ fd }: NodeJS.ReadableStream & { fd?: unknown }): void {
  if (typeof fd === 'number' && fd >= 0 && fstatSync(fd).isDirectory())
    throw new RulesError('--rules -: standard input is a folder: give it a file of rules ("--rules - < web.rules")');
}
