/** SIGHUP to `tunvs run`: the host is put right, and the rules are read again. */
import type { Director } from '../../director/director.js';
import type { Log } from '../../daemon/log.js';
import type { RuleChange } from '../../rules/changes.js';
import { reloadRules } from '../../rules/reload.js';
import { toJson } from '../json.js';
import { readRules } from '../rules-file.js';
import { type CliIo, UsageError } from '../verb.js';
import { count } from '../words.js';
import type { RunOptions } from './options.js';
import { type Tell, teller } from './teller.js';

/** The text shows the first changes of a huge reload; JSON has all. */
const MOST_SHOWN = 100;

/** Keeps the old rules when the new ones hold a mistake. */
export async function reload(
  director: Director,
  { rules, source, json }: RunOptions,
  io: CliIo,
  tell: Tell = teller(undefined, io),
  log?: Log,
): Promise<void> {
  const mended = await director.mendHost().catch((error: Error) => {
    tell('error', 'hostNotMended', `the host stays as it is: ${error.message}`);
    return 0;
  });
  try {
    if (rules === '-') {
      throw new UsageError('the rules came from standard input, which cannot be read again: start with a file');
    }
    const lines = await readRules({ file: rules, isTimed: false, isAgain: true }, io);
    const changes = await reloadRules(director, lines, source);
    io.stdout.write(json ? `${toJson({ event: 'reloaded', changes, mended })}\n` : reloadedText(changes, mended));
    log?.info('reloaded', { changes: changes.length, mended }, 'rules read again');
  } catch (error) {
    tell('error', 'reloadRefused', `the rules stay as they are: ${(error as Error).message}`);
  }
}

export function reloadedText(changes: readonly RuleChange[], mended: number): string {
  const host = mended > 0 ? `, ${count(mended, 'thing')} of the host put back` : '';
  const shown = changes
    .slice(0, MOST_SHOWN)
    .map(({ rule, before }) => `  ${rule}${before === undefined ? '' : `  # before: ${before}`}`);
  const more = changes.length - shown.length;
  const lines = [`tunvs run: rules read again: ${count(changes.length, 'change')}${host}`, ...shown];
  return `${[...lines, ...(more > 0 ? [`  and ${more} more`] : [])].join('\n')}\n`;
}
