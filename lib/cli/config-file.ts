/** Reads a configuration or rules that an operand names. */
import type { Mistake } from '../config/mistake.js';
import type { ParsedConfig, RefusedConfig } from '../config/parse-config.js';
import { TunvsError } from '../values/errors.js';
import { readBounded, readFileBounded } from './bounded-read.js';
import { reading } from './files.js';
import type { CliIo } from './verb.js';

/**
 * `-` is standard input. `option` is what names the file on the command line. A file that is read again has to be a file.
 */
export async function readOperand(
  file: string,
  { stdin }: CliIo,
  { option = 'FILE', isAgain = false } = {},
): Promise<Buffer> {
  const refuseOther = (what: string) =>
    new TunvsError(
      'ERR_TUNVS_INVALID_ARGUMENT',
      `${option} ${file}: it is ${what}, and a reload needs a file: put a configuration in its place`,
    );
  const mend = option === 'FILE' ? 'name a configuration or a file of rules' : 'name a configuration';
  return reading({ option, file, mend }, () =>
    file === '-' ? readBounded(stdin) : readFileBounded(file, isAgain ? refuseOther : undefined),
  );
}

/** Tells rules from a configuration by the file's name; of standard input by what begins its first line. */
export function isRules(file: string, text: string): boolean {
  if (/\.(ya?ml|json)$/.test(file)) return false;
  if (/\.(rules|ipvs|ipvsadm)$/.test(file)) return true;
  const first = text.split('\n').find((line) => line.trim() !== '' && !line.trimStart().startsWith('#')) ?? '';
  return /^\s*(ipvsadm\s|-[A-Za-z-]|sysctl\s|mark\s+(\d|delete|flush))/.test(first);
}

/** keepalived's files have a name of their own; standard input is asked for by an option. */
export const isKeepalived = (file: string) => file.endsWith('.conf');

export interface KeepalivedChoice {
  /** What `@ID` in the file is compared with; the host's name by default. */
  keepalivedId?: string;
  source?: readonly string[];
}

export async function readKeepalived(
  file: string,
  bytes: Uint8Array,
  { keepalivedId, source }: KeepalivedChoice,
): Promise<ParsedConfig | RefusedConfig> {
  const { parseKeepalived } = await import('../keepalived/parse-keepalived.js');
  return parseKeepalived(bytes, {
    path: file,
    ...(keepalivedId !== undefined && { id: keepalivedId }),
    ...(source !== undefined && { source }),
  });
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
