/** Going through the connection table. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { NativeConnectionRow } from './native.js';
import {
  addressOption,
  booleanOption,
  checkedOptions,
  choiceOption,
  integerOption,
  refuse,
  signalOption,
} from './options.js';
import { type Protocol, protocolName, protocols } from './protocol.js';

export interface Connection {
  protocol: Protocol;
  clientAddress: string;
  clientPort: number;
  virtualAddress: string;
  virtualPort: number;
  serverAddress: string;
  serverPort: number;
  /** IPVS's name: ESTABLISHED, SYN_RECV, FIN_WAIT, UDP, ... */
  state: string;
  /** Until it is forgotten, unless a packet comes. */
  expiresMs: number;
  /** Counted in `activeConnections`; otherwise in `inactiveConnections`. */
  active: boolean;
}

/** Every field that is given has to match. */
export type ConnectionFilter = Partial<Omit<Connection, 'expiresMs'>>;

export interface ConnectionsOptions extends ConnectionFilter {
  signal?: AbortSignal;
}

/** Rows per call into the native part: a few hundred microseconds of the event loop. */
const PAGE_ROWS = 512;

type Page = (cursor: number, limit: number) => { rows: NativeConnectionRow[]; next: number };

/** Checks the options at once; reads nothing before the first next(). */
export function connections(options: ConnectionsOptions, page: Page): AsyncGenerator<Connection, void, undefined> {
  const signal = signalOption('connections: signal', options?.signal);
  const filter = Object.entries(checkedFilter(options));
  return walk(
    page,
    (connection) => filter.every(([name, value]) => connection[name as keyof Connection] === value),
    signal,
  );
}

async function* walk(page: Page, matches: (connection: Connection) => boolean, signal: AbortSignal | undefined) {
  for (let cursor = 0; cursor !== -1; ) {
    signal?.throwIfAborted();
    const { rows, next } = page(cursor, PAGE_ROWS);
    for (const row of rows) {
      const connection = { ...row, protocol: protocolName(row.protocol) };
      if (matches(connection)) {
        yield connection;
        signal?.throwIfAborted();
      }
    }
    cursor = next;
    await nextTurn();
  }
}

const FILTERS: { [Name in keyof ConnectionFilter]-?: (name: string, value: unknown) => Connection[Name] } = {
  protocol: (name, value) => choiceOption(name, value, protocols),
  clientAddress: addressOption,
  clientPort: portOption,
  virtualAddress: addressOption,
  virtualPort: portOption,
  serverAddress: addressOption,
  serverPort: portOption,
  state: (name, value) =>
    typeof value === 'string' ? value : refuse(name, value, "the name of a state, such as 'ESTABLISHED'"),
  active: (name, value) => booleanOption(name, value, true),
};

function portOption(name: string, value: unknown): number {
  return integerOption(name, value, 0, 65535);
}

function checkedFilter(options: ConnectionsOptions): ConnectionFilter {
  const names = Object.keys(FILTERS) as (keyof ConnectionFilter)[];
  checkedOptions('connections', options, [...names, 'signal']);
  const given = names.filter((name) => options[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, FILTERS[name](`connections: ${name}`, options[name])]));
}
