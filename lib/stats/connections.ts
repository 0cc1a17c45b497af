/** Goes through the connection table. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ConnectionState, connectionStates } from '../values/connection-state.js';
import { canonicalAddress } from '../values/inet.js';
import type { NativeConnectionRow } from '../native/rows.js';
import {
  addressOption,
  booleanOption,
  checkedOptions,
  choiceOption,
  integerOption,
  refuse,
  signalOption,
} from '../values/options.js';
import type { PersistenceEngine } from '../values/persistence.js';
import { type AnyProtocol, protocolName, protocols } from '../values/protocol.js';

/** A row of the connection table: a connection, or what a persistent service remembers of a client. */
export interface Connection {
  /** Whether the row is a connection, or a template by which a persistent service remembers a client. */
  kind: 'connection' | 'template';
  /** The transport protocol. It is 'ip', any, for a template of a service by firewall mark. */
  protocol: AnyProtocol;
  /** The client's address (CIP). A template has the address that the service's netmask leaves. */
  clientAddress: string;
  /** The client's port. It is 0 for a template. */
  clientPort: number;
  /** The virtual address (VIP). A template of a service by firewall mark has the mark here: '0.0.0.7' is 7. */
  virtualAddress: string;
  /** The virtual port. It is 0 for a template of every port. */
  virtualPort: number;
  /** The address of the real server (RIP). */
  serverAddress: string;
  /**
   * The port of the real server. It is the virtual port when the real server has none of its own, and 0 for a template
   * of every port.
   */
  serverPort: number;
  /** With full NAT, the address that the real server knows the connection by, in place of the client's. */
  sourceAddress?: string;
  /** With full NAT, the port that goes with `sourceAddress`. */
  sourcePort?: number;
  /** The state by IPVS's name, such as ESTABLISHED, SYN_RECV, FIN_WAIT or UDP; a template has NONE or ASSURED. */
  state: ConnectionState;
  /** The milliseconds after which the row is forgotten, unless a packet comes. */
  expiresMs: number;
  /** Whether the connection counts as active (`activeConnections`) or as inactive (`inactiveConnections`). */
  active: boolean;
  /** The number of connections that a template leads to its real server now. It is 0 for a connection. */
  controlled: number;
  /** The persistence engine that made the template. */
  persistenceEngine?: PersistenceEngine;
  /** What the persistence engine knows the client by, such as a Call-ID. */
  persistenceData?: string;
}

/** The connections to look for. A connection matches when every field that is given is equal. */
export type ConnectionFilter = Partial<
  Omit<Connection, 'expiresMs' | 'controlled' | 'persistenceEngine' | 'persistenceData'>
>;

/**
 * The options of {@link Director.connections}.
 *
 * @example
 * ```ts
 * import { type ConnectionsOptions, Director } from 'tunvs';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const options: ConnectionsOptions = { serverAddress: '10.3.0.11', state: 'ESTABLISHED' };
 * for await (const { clientAddress, expiresMs } of director.connections(options)) {
 *   console.log(clientAddress, expiresMs);
 * }
 * ```
 */
export interface ConnectionsOptions extends ConnectionFilter {
  /** When it is aborted, the iteration throws its reason. */
  signal?: AbortSignal;
}

/** Rows per call into the native part, which takes a few hundred microseconds of the event loop. */
const PAGE_ROWS = 512;

type Page = (cursor: number, limit: number) => { rows: NativeConnectionRow[]; next: number };

/** Checks the options at once; reads nothing before the first next(). */
export function connections(options: ConnectionsOptions, page: Page): AsyncGenerator<Connection, void, undefined> {
  const given = checkedOptions('connections', options, [...FILTER_NAMES, 'signal']);
  const signal = signalOption('connections: signal', given.signal);
  const filter = Object.entries(checkedFilter(given));
  return walk(
    page,
    (connection) => filter.every(([name, value]) => connection[name as keyof Connection] === value),
    signal,
  );
}

/** Rows that one piece looks at, at most, while it finds none. */
const MOST_LOOKED_AT = 65_536;

/**
 * Returns connections that match, about `limit` of them at most, from a cursor on: 0 to begin with, or the `next` of an
 * earlier piece. `next` is undefined at the end of the table; before that a piece may be empty.
 */
export async function connectionPiece(
  options: ConnectionsOptions,
  { cursor, limit }: { cursor: number; limit: number },
  page: Page,
): Promise<{ connections: Connection[]; next: number | undefined }> {
  const filter = Object.entries(checkedFilter(checkedOptions('connections', options, FILTER_NAMES)));
  const found: Connection[] = [];
  let at = integerOption('connections: cursor', cursor, 0, Number.MAX_SAFE_INTEGER);
  const most = integerOption('connections: limit', limit, 1, 10_000);
  for (let looked = 0; found.length < most && looked < MOST_LOOKED_AT; looked += PAGE_ROWS) {
    const { rows, next } = page(at, Math.min(PAGE_ROWS, most - found.length));
    for (const row of rows) {
      const connection = connectionOf(row);
      if (filter.every(([name, value]) => connection[name as keyof Connection] === value)) found.push(connection);
    }
    if (next === -1) return { connections: found, next: undefined };
    at = next;
    await nextTurn();
  }
  return { connections: found, next: at };
}

async function* walk(page: Page, matches: (connection: Connection) => boolean, signal: AbortSignal | undefined) {
  for (let cursor = 0; cursor !== -1; ) {
    signal?.throwIfAborted();
    const { rows, next } = page(cursor, PAGE_ROWS);
    for (const row of rows) {
      const connection = connectionOf(row);
      if (matches(connection)) {
        yield connection;
        signal?.throwIfAborted();
      }
    }
    cursor = next;
    await nextTurn();
  }
}

function connectionOf({ template, protocol, persistenceEngine, ...row }: NativeConnectionRow): Connection {
  return {
    kind: template ? 'template' : 'connection',
    protocol: protocolName(protocol),
    ...row,
    state: row.state as ConnectionState,
    serverPort: template ? templatePort(row) : row.serverPort || row.virtualPort,
    ...(persistenceEngine && { persistenceEngine: persistenceEngine as PersistenceEngine }),
  };
}

/** As in IPVS, a template of every port has port 0 on both sides. */
function templatePort({ virtualPort, serverPort }: Pick<NativeConnectionRow, 'virtualPort' | 'serverPort'>): number {
  return virtualPort === 0 ? 0 : serverPort;
}

const FILTERS: { [Name in keyof ConnectionFilter]-?: (name: string, value: unknown) => Connection[Name] } = {
  kind: (name, value) => choiceOption(name, value, ['connection', 'template']),
  protocol: (name, value) => choiceOption<AnyProtocol>(name, value, [...protocols, 'ip']),
  clientAddress: anyAddressOption,
  clientPort: portOption,
  virtualAddress: anyAddressOption,
  virtualPort: portOption,
  serverAddress: addressOption,
  serverPort: portOption,
  sourceAddress: addressOption,
  sourcePort: portOption,
  state: (name, value) => choiceOption(name, value, connectionStates),
  active: (name, value) => booleanOption(name, value, true),
};

const FILTER_NAMES = Object.keys(FILTERS) as (keyof ConnectionFilter)[];

/** A template's client is what a netmask leaves, and its virtual address may stand for a mark. */
function anyAddressOption(name: string, value: unknown): string {
  const address = typeof value === 'string' ? canonicalAddress(value) : undefined;
  return address ?? refuse(name, value, "an IP address such as '192.0.2.1'");
}

function portOption(name: string, value: unknown): number {
  return integerOption(name, value, 0, 65535);
}

function checkedFilter(options: ConnectionsOptions): ConnectionFilter {
  const given = FILTER_NAMES.filter((name) => options[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, FILTERS[name](`connections: ${name}`, options[name])]));
}
