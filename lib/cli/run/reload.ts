/** Reads the configuration of a running director again, whoever asks: a signal, the control socket, a changed file. */
import type { Director } from '../../director/director.js';
import type { Log } from '../../daemon/log.js';
import { toJson } from '../json.js';
import type { CliIo } from '../verb.js';
import { commandWords, count } from '../words.js';
import type { Change, Configuration, ReloadWish } from './configuration.js';
import type { Tell } from './teller.js';

/** The text shows the first changes of a huge reload; JSON has all. */
const MOST_SHOWN = 100;

export interface Reloaded {
  changes: Change[];
  /** What somebody else had changed on the host, and was put back. */
  mended: number;
}

export interface ReloaderParts {
  director: Director;
  configuration: Configuration;
  io: CliIo;
  tell: Tell;
  log: Log | undefined;
  isJson: boolean;
}

export class Reloader {
  readonly #parts: ReloaderParts;
  #last: Promise<unknown> = Promise.resolve();
  /** A reload without wishes that has not begun. */
  #waiting: Promise<Reloaded> | undefined;

  constructor(parts: ReloaderParts) {
    this.#parts = parts;
  }

  /**
   * One reload begins when the one before has ended, and reads the files then: one that waits serves all who ask without
   * wishes meanwhile. Rejects, when the configuration is refused, after telling so.
   */
  reload(wish: ReloadWish = {}): Promise<Reloaded> {
    const isPlain = !wish.dryRun && !wish.reset;
    if (isPlain && this.#waiting) return this.#waiting;
    const turn = this.#last.then(() => {
      if (this.#waiting === turn) this.#waiting = undefined;
      return wish.dryRun ? this.#plan(wish) : this.#reload(wish);
    });
    if (isPlain) this.#waiting = turn;
    this.#last = turn.catch(() => {
      // Whoever asked for that reload is told.
    });
    return turn;
  }

  async #plan(wish: ReloadWish): Promise<Reloaded> {
    return { changes: await this.#parts.configuration.reload(wish), mended: 0 };
  }

  async #reload(wish: ReloadWish): Promise<Reloaded> {
    const { director, configuration, io, tell, log, isJson } = this.#parts;
    const mended = await director.mendHost().catch((error: Error) => {
      tell('error', 'hostNotMended', `the host stays as it is: ${error.message}`);
      return 0;
    });
    const { title } = configuration;
    try {
      const changes = await configuration.reload(wish);
      const text = reloadedText(title, changes, mended);
      io.stdout.write(isJson ? `${toJson({ event: 'reloaded', changes, mended })}\n` : text);
      log?.info('reloaded', { changes: changes.length, mended }, `${title} read again`);
      return { changes, mended };
    } catch (error) {
      const verb = title.endsWith('s') ? 'stay as they are' : 'stays as it is';
      tell('error', 'reloadRefused', `the ${title} ${verb}: ${(error as Error).message}`);
      throw error;
    }
  }
}

export function reloadedText(title: string, changes: readonly Change[], mended: number): string {
  const host = mended > 0 ? `, ${count(mended, 'thing')} of the host put back` : '';
  const shown = changes.slice(0, MOST_SHOWN).map((change) => `  ${changeText(change)}`);
  const more = changes.length - shown.length;
  const lines = [`tunvs run: ${title} read again: ${count(changes.length, 'change')}${host}`, ...shown];
  return `${[...lines, ...(more > 0 ? [`  and ${more} more`] : [])].join('\n')}\n`;
}

/** A sentence is in the library's words. */
export function changeText(change: Change): string {
  if ('sentence' in change) return commandWords(change.sentence);
  const { rule, before } = change;
  return `${rule}${before === undefined ? '' : `  # before: ${before}`}`;
}
