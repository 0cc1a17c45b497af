/** Goes through the connection table. */
import { setImmediate as nextTurn } from 'node:timers/promises';
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

export interface Connection {
  /** 'template': what a persistent service remembers of a client, and no connection. */
  kind: 'connection' | 'template';
  /** 'ip', any, of a template of a service by firewall mark. */
  protocol: AnyProtocol;
  clientAddress: string;
  /** 0 of a template, whose `clientAddress` has the service's netmask. */
  clientPort: number;
  /** Of a template of a service by firewall mark, the mark: '0.0.0.7' is 7. */
  virtualAddress: string;
  virtualPort: number;
  serverAddress: string;
  /** Where the real server has none of its own, the virtual port; of a template of every port 0. */
  serverPort: number;
  /** IPVS's name: ESTABLISHED, SYN_RECV, FIN_WAIT, UDP, ...; of a template NONE or ASSURED. */
  state: string;
  /** Until it is forgotten, unless a packet comes. */
  expiresMs: number;
  /** Counted in `activeConnections`; otherwise in `inactiveConnections`. */
  active: boolean;
  /** Connections now of a template, which led them to its real server; 0 of a connection. */
  controlled: number;
  /** Of a template that a persistence engine made. */
  persistenceEngine?: PersistenceEngine;
  /** What the engine knows the client by: a Call-ID. */
  persistenceData?: string;
}

/** Every field that is given has to match. */
export type ConnectionFilter = Partial<
  Omit<Connection, 'expiresMs' | 'controlled' | 'persistenceEngine' | 'persistenceData'>
>;

export interface ConnectionsOptions extends ConnectionFilter {
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
  state: (name, value) =>
    typeof value === 'string' ? value : refuse(name, value, "the name of a state, such as 'ESTABLISHED'"),
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
