/** Shows a director's state as ipvsadm would print it. */
import type { Connection } from '../stats/connections.js';
import type { SyncState } from '../director/sync.js';
import type { MarkRule } from '../values/marks.js';
import { schedulerFlagNumbers } from '../values/scheduler.js';
import type { RatedRealServer, RatedVirtualService } from '../stats/rates.js';
import type { RealServerStats, VirtualServiceStats } from '../stats/stats.js';
import type { ShowCommand } from './apply.js';
import type { ServiceId } from './command.js';
import { writtenForwarding } from './forwarding.js';
import { connectionLine, connectionsTitle } from './listing/connections.js';
import type { ListedConnection, ListedServer, ListedService } from './listing/rows.js';
import { type FindNames, type NamedEndpoint, writeNumbers } from './listing/names.js';
import { saveServices } from './listing/save.js';
import { endpointsOf, listServices } from './listing/services.js';
import { type ListedTimeouts, listTimeouts } from './listing/timeouts.js';
import { listDaemons } from './listing/daemons.js';
import { listMarks } from './mark.js';
import { printServiceId } from './print.js';
import { noSuchService } from './refusals.js';
import { serviceIdOf } from './settings.js';

export type ShownService = VirtualServiceStats | RatedVirtualService;

/** What a listing reads; services that have been sampled have rates. */
export interface ShowSource {
  services(): ShownService[];
  readonly timeouts: ListedTimeouts;
  readonly marks: readonly MarkRule[];
  readonly sync: SyncState;
  connections(): AsyncIterable<Connection>;
}

/** How many connections' names are looked up at once. */
const NAMED_AT_ONCE = 1000;

const findNumbers: FindNames = async () => writeNumbers;

/** Yields text in pieces that end with a line break, so that a large connection table is never held as a whole. */
export async function* show(
  source: ShowSource,
  command: ShowCommand,
  findNames: FindNames = findNumbers,
): AsyncGenerator<string> {
  if (command.command === 'save') {
    const services = source.services().map(listedService);
    yield saveServices(services, await findNames(endpointsOf(services)));
  } else if (command.command === 'listMarks') {
    yield listMarks(source.marks);
  } else if (command.what === 'connections') {
    yield* showConnections(source, command.columns === 'persistent', findNames);
  } else if (command.what === 'timeouts') {
    yield listTimeouts(source.timeouts);
  } else if (command.what === 'daemon') {
    const text = listDaemons(source.sync);
    if (text !== '') yield text;
  } else if (command.what === 'services') {
    const { service, columns, exact, sorted } = command;
    const services = chosenServices(source.services().map(listedService), service);
    const write = await findNames(endpointsOf(services));
    yield listServices(services, { columns, exact, sorted, isSingle: service !== undefined, write });
  }
}

async function* showConnections(
  source: ShowSource,
  withEngines: boolean,
  findNames: FindNames,
): AsyncGenerator<string> {
  yield connectionsTitle(withEngines);
  let rows: ListedConnection[] = [];
  async function* flush() {
    const write = await findNames(rows.flatMap(connectionEndpoints));
    for (const row of rows) yield connectionLine(row, withEngines, write);
    rows = [];
  }
  for await (const connection of source.connections()) {
    rows.push(listedConnection(connection));
    if (rows.length === NAMED_AT_ONCE) yield* flush();
  }
  yield* flush();
}

function connectionEndpoints({ protocol, client, virtual, server }: ListedConnection): NamedEndpoint[] {
  return [client, virtual, server].map((endpoint) => ({ ...endpoint, protocol }));
}

function chosenServices(services: ListedService[], id: ServiceId | undefined): ListedService[] {
  if (!id) return services;
  const chosen = services.filter((service) => printServiceId(service.id) === printServiceId(id));
  if (chosen.length === 0) throw noSuchService(id);
  return chosen;
}

export function listedService(service: ShownService): ListedService {
  const { scheduler, schedulerFlags, persistence, onePacket, totals } = service;
  return {
    id: serviceIdOf(service),
    scheduler,
    schedulerFlags: schedulerFlags.map((flag) => schedulerFlagNumbers[flag]),
    ...(persistence && { persistence }),
    onePacket,
    totals,
    ...ratesOf(service),
    servers: service.servers.map(listedServer),
  };
}

function listedServer(server: RealServerStats | RatedRealServer): ListedServer {
  const { forwarding, tunnelPort, tunnelChecksum, clientAddress, ...others } = server;
  const written = writtenForwarding({ forwarding, tunnelPort, tunnelChecksum, clientAddress });
  return { ...others, ...ratesOf(server), ...written };
}

function ratesOf(object: object): Pick<ListedService, 'estimatedRates'> {
  return 'estimatedRates' in object ? { estimatedRates: (object as RatedVirtualService).estimatedRates } : {};
}

function listedConnection(row: Connection): ListedConnection {
  return {
    protocol: row.protocol,
    client: { address: row.clientAddress, port: row.clientPort },
    virtual: { address: row.virtualAddress, port: row.virtualPort },
    server: { address: row.serverAddress, port: row.serverPort },
    state: row.state,
    expiresMs: row.expiresMs,
    ...(row.persistenceEngine && {
      persistenceEngine: { name: row.persistenceEngine, data: row.persistenceData ?? '' },
    }),
  };
}
