/**
 * Prints the engine's events on a terminal or in a log, one sentence each. A new kind of event is one row of SENTENCES.
 */
import type { RoleEvent } from '../director/events.js';
import type { EngineEventType } from '../values/engine-event.js';
import { toJson } from './json.js';
import { printableLines } from '../values/printable.js';
import type { CliIo } from './verb.js';
import { commandWords, count } from './words.js';

/** What is told: an `EngineEvent` of the library, or a warning, whose type no event has. */
export interface News {
  type: string;
  value: number;
  message: string;
  /** The things that the event is about, each in words. */
  things?: readonly string[];
}

interface Row {
  /** Events of this kind are rare and no two are alike, so each is printed at once. */
  isRare?: boolean;
  /**
   * `value` counts since the last event, so several events are printed as their sum; otherwise the last one is printed.
   */
  isCount: boolean;
  sentence(news: News): string;
}

/** What happens to the host is rare, and its event says all of it. */
const OF_THE_HOST: Row = { isRare: true, isCount: false, sentence: ({ message }) => message };

export const SENTENCES: Readonly<Record<EngineEventType, Row>> = {
  tableFull: {
    isCount: true,
    sentence: ({ value }) =>
      `the connection table is full: ${count(value, 'connection')} gave way or found no room: raise --max-connections`,
  },
  packetsLost: {
    isCount: true,
    sentence: ({ value, message }) =>
      `${count(value, 'packet')} could not be sent; ${message.replace(/^packets could not be sent/, 'lately')}`,
  },
  packetsTooLong: {
    isCount: true,
    sentence: ({ value }) => `${count(value, 'packet')} exceeded the device's buffers and were dropped`,
  },
  errorsUnread: { isCount: true, sentence: ({ message }) => message },
  eventsLost: {
    isCount: true,
    sentence: ({ value }) => `${count(value, 'event')} came faster than they could be read`,
  },
  policyFailed: { isCount: true, sentence: ({ message }) => message },
  hostMended: OF_THE_HOST,
  hostNotMended: OF_THE_HOST,
  hostContested: OF_THE_HOST,
  hostConflict: OF_THE_HOST,
  hostUnreadable: OF_THE_HOST,
  deviceRenamed: OF_THE_HOST,
  serversMoved: OF_THE_HOST,
  fastPathChanged: OF_THE_HOST,
  ringChanged: OF_THE_HOST,
  sourcesShort: { isRare: true, isCount: false, sentence: ({ message }) => message },
  deviceLost: { isCount: false, sentence: ({ message }) => `a device is lost: ${message}` },
};

/** An event that this table does not know is printed all the same. */
const UNKNOWN: Row = { isCount: false, sentence: ({ type, message }) => `${type}: ${message}` };

/** Warnings are held back by their text: this and the text are the key. */
const WARNING = 'warning: ';

/** At most one line of a kind is printed in this time. */
const INTERVAL_MS = 10_000;

interface Held {
  timer: NodeJS.Timeout;
  news: News | undefined;
}

/** Prints events: the first of a kind at once, those of the next ten seconds as one line when that time is over. */
export class NewsPrinter {
  readonly #held = new Map<string, Held>();
  /** `json` takes the place of the fields where JSON is printed. */
  readonly #write: (event: string, sentence: string, fields: object, json?: object) => void;

  /** `tell` takes the place of standard error. */
  constructor(
    verb: string,
    io: CliIo,
    isJson: boolean,
    private readonly intervalMs = INTERVAL_MS,
    tell?: (event: string, sentence: string, fields: object) => void,
  ) {
    this.#write = (event, sentence, fields, json = fields) => {
      if (isJson) io.stdout.write(`${toJson({ event, ...json })}\n`);
      if (tell) tell(event, sentence, fields);
      else if (!isJson) io.stderr.write(`tunvs ${verb}: ${printableLines(sentence)}\n`);
    };
  }

  #print(news: News): void {
    const { type, value, message, things } = news;
    const sentence = rowOf(type).sentence(news);
    if (type.startsWith(WARNING)) this.#write('warning', sentence, {}, { message });
    else this.#write(type, sentence, fieldsOf(news), { value, message, things });
  }

  tell(told: News): void {
    const news = { ...told, message: commandWords(told.message) };
    const held = this.#held.get(news.type);
    if (held) {
      const value = rowOf(news.type).isCount ? news.value + (held.news?.value ?? 0) : news.value;
      held.news = { ...news, value };
      return;
    }
    this.#print(news);
    if (rowOf(news.type).isRare) return;
    const timer = setTimeout(() => this.#release(news.type), this.intervalMs).unref();
    this.#held.set(news.type, { timer, news: undefined });
  }

  /** Prints which role the director has now. */
  role({ role, before }: RoleEvent): void {
    const sentence =
      role === 'active'
        ? 'the director is active now: it answers for its virtual addresses'
        : 'the director is a standby now: its host has no routes of virtual addresses';
    this.#write('role', sentence, { role, before });
  }

  /** Prints a sentence that belongs to no event, such as a warning of the library. */
  warn(message: string): void {
    this.tell({ type: WARNING + message, value: 0, message });
  }

  /** Prints what is held back. */
  end(): void {
    for (const { timer, news } of this.#held.values()) {
      clearTimeout(timer);
      if (news) this.#print(news);
    }
    this.#held.clear();
  }

  #release(type: string): void {
    const news = this.#held.get(type)?.news;
    this.#held.delete(type);
    if (news) this.tell(news);
  }
}

function fieldsOf({ type, value, things }: News): object {
  if (type.startsWith(WARNING)) return {};
  return things === undefined ? { value } : { value, things };
}

function rowOf(type: string): Row {
  if (type.startsWith(WARNING)) return { isCount: false, sentence: ({ message }) => message };
  return Object.hasOwn(SENTENCES, type) ? SENTENCES[type as EngineEventType] : UNKNOWN;
}
