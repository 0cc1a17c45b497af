/** Prints `ipvsadm -L`: services and servers in its five forms, byte for byte, trailing blanks included. */
import { addressFamily } from '../../values/inet.js';
import type { ListColumns, ServiceId } from '../command.js';
import type { AnyProtocol } from '../../values/protocol.js';
import { traitsOf } from '../../values/forwarding-method.js';
import { formatVirtualEndpoint } from '../../values/service-key.js';
import { schedulerFlagNames } from '../values.js';
import { type NamedEndpoint, type WriteEndpoint, writeNumbers } from './names.js';
import { exactNumber, shortNumber } from './numbers.js';
import { type ListedServer, type ListedService, type ListedTraffic, NO_TRAFFIC } from './rows.js';
import { sortServices } from './sort.js';

/**
 * An unconfigured kernel prints this number for the buckets of its connection table. Our table has no such buckets, but
 * scripts that compare listings expect the line as it is.
 */
const KERNEL_TABLE_SIZE = 4096;

export interface ListServicesOptions {
  columns: ListColumns;
  exact: boolean;
  sorted: boolean;
  /** One service was asked for, so the line with the version is left out. */
  isSingle: boolean;
  /** Numbers by default. */
  write?: WriteEndpoint;
}

/** What has a name in a listing of these services. */
export function endpointsOf(services: readonly ListedService[]): NamedEndpoint[] {
  return services.flatMap(({ id, servers }) => {
    const protocol: AnyProtocol = id.kind === 'mark' ? 'ip' : id.protocol;
    const own = id.kind === 'address' && !isRange(id) ? [{ address: id.address, port: id.port, protocol }] : [];
    return [...own, ...servers.map(({ address, port }): NamedEndpoint => ({ address, port, protocol }))];
  });
}

/** A range of ours is written as numbers. */
export function isRange(id: ServiceId): boolean {
  return id.kind === 'address' && (id.lastPort !== undefined || id.address.includes('/'));
}

export function listServices(services: readonly ListedService[], options: ListServicesOptions): string {
  const form = FORMS[options.columns];
  const { exact, write = writeNumbers } = options;
  const lines = options.isSingle ? [] : [`IP Virtual Server version 1.2.1 (size=${KERNEL_TABLE_SIZE})`];
  lines.push(...form.title);
  for (const service of options.sorted ? sortServices(services) : services) {
    const writing = { write, exact, protocol: service.id.kind === 'mark' ? ('ip' as const) : service.id.protocol };
    lines.push(form.service(service, writing));
    for (const server of service.servers) lines.push(form.server(server, writing));
  }
  return `${lines.join('\n')}\n`;
}

interface Writing {
  write: WriteEndpoint;
  exact: boolean;
  /** The service's. */
  protocol: AnyProtocol;
}

interface Form {
  title: [string, string];
  service(service: ListedService, writing: Writing): string;
  server(server: ListedServer, writing: Writing): string;
}

const SERVICE_TITLE = 'Prot LocalAddress:Port'.padEnd(33);
const SERVER_TITLE = '  -> RemoteAddress:Port';

type Column = [value: string | number, width: number];

const columns = (list: Column[]) => list.map(([value, width]) => String(value).padEnd(width)).join(' ');

const counts = ({ activeConnections, inactiveConnections }: ListedServer) =>
  columns([
    [activeConnections, 10],
    [inactiveConnections, 10],
  ]);

const FORMS: Readonly<Record<ListColumns, Form>> = {
  plain: {
    title: ['Prot LocalAddress:Port Scheduler Flags', `${SERVER_TITLE}           Forward Weight ActiveConn InActConn`],
    service: describedService,
    server: (server, writing) =>
      `${serverName(server, writing)} ${columns([
        [methodName(server), 7],
        [listedWeight(server), 6],
      ])} ${counts(server)}`,
  },
  tunnel: {
    title: [
      'Prot LocalAddress:Port Scheduler Flags',
      `${SERVER_TITLE}           Forward TunnelInfo    Weight ActiveConn InActConn`,
    ],
    service: describedService,
    server: (server, writing) => {
      const details = columns([
        [methodName(server), 7],
        [tunnelName(server), 13],
        [listedWeight(server), 6],
      ]);
      return `${serverName(server, writing)} ${details} ${counts(server)}`;
    },
  },
  stats: {
    title: [trafficTitle(['Conns', 'InPkts', 'OutPkts', 'InBytes', 'OutBytes']), SERVER_TITLE],
    service: ({ id, totals }, writing) => serviceName(id, writing) + largeNumbers(totals, writing.exact),
    server: (server, writing) => serverName(server, writing) + largeNumbers(server.totals, writing.exact),
  },
  rate: {
    title: [trafficTitle(['CPS', 'InPPS', 'OutPPS', 'InBPS', 'OutBPS']), SERVER_TITLE],
    service: ({ id, estimatedRates = NO_TRAFFIC }, writing) =>
      serviceName(id, writing) + largeNumbers(estimatedRates, writing.exact),
    server: (server, writing) =>
      serverName(server, writing) + serverRates(server.estimatedRates ?? NO_TRAFFIC, writing.exact),
  },
  thresholds: {
    title: [
      countsTitle([
        ['Uthreshold', 10],
        ['Lthreshold', 10],
      ]),
      SERVER_TITLE,
    ],
    service: describedService,
    server: (server, writing) =>
      `${serverName(server, writing)} ${columns([
        [server.upperThreshold, 10],
        [server.lowerThreshold, 10],
      ])} ${counts(server)}`,
  },
  persistent: {
    title: [
      countsTitle([
        ['Weight', 9],
        ['PersistConn', 11],
      ]),
      SERVER_TITLE,
    ],
    service: describedService,
    server: (server, writing) =>
      `${serverName(server, writing)} ${columns([
        [listedWeight(server), 9],
        [server.persistentConnections, 11],
      ])} ${counts(server)}`,
  },
};

function trafficTitle(names: string[]): string {
  return [SERVICE_TITLE, ...names.map((name) => name.padStart(8))].join(' ');
}

function countsTitle(own: Column[]): string {
  return `${SERVICE_TITLE} ${columns([...own, ['ActiveConn', 10], ['InActConn', 10]])}`;
}

/** Prints the name without padding, because flags follow. IPv4 is cut at the width of its column, IPv6 is not. */
function bareServiceName(id: ServiceId, { write }: Writing): string {
  if (id.kind === 'mark') return `FWM  ${id.mark}${id.family === 6 ? ' IPv6' : ''}`;
  const protocol = id.protocol.toUpperCase().padEnd(4);
  if (isRange(id)) return `${protocol} ${formatVirtualEndpoint(id)}`;
  const name = `${protocol} ${write(id, id.protocol)}`;
  return addressFamily(id.address) === 4 ? name.slice(0, 33) : name;
}

const serviceName = (id: ServiceId, writing: Writing) => bareServiceName(id, writing).padEnd(33);

/** IPv4 is cut at the width of its column, IPv6 is not. */
function serverName(server: ListedServer, { write, protocol }: Writing): string {
  const name = write(server, protocol).padEnd(28);
  return `  -> ${addressFamily(server.address) === 4 ? name.slice(0, 28) : name}`;
}

function describedService(
  { id, scheduler, schedulerFlags, persistence, onePacket }: ListedService,
  writing: Writing,
): string {
  const words = [bareServiceName(id, writing), scheduler];
  if (schedulerFlags.length > 0) words.push(`(${schedulerFlagNames(scheduler, schedulerFlags).join(',')})`);
  if (persistence) {
    words.push(`persistent ${persistence.timeoutSeconds}`);
    if (persistence.netmask !== undefined) words.push(`mask ${persistence.netmask}`);
    if (persistence.engine !== undefined) words.push(`pe ${persistence.engine}`);
  }
  if (onePacket) words.push('ops');
  return words.join(' ');
}

function largeNumbers(traffic: ListedTraffic, exact: boolean): string {
  const { connections, inPackets, outPackets, inBytes, outBytes } = traffic;
  return [connections, inPackets, outPackets, inBytes, outBytes].map(exact ? exactNumber : shortNumber).join('');
}

/** The first three of a server's rates are never shortened. */
function serverRates({ connections, inPackets, outPackets, inBytes, outBytes }: ListedTraffic, exact: boolean): string {
  const bytes = [inBytes, outBytes].map(exact ? exactNumber : shortNumber);
  return [connections, inPackets, outPackets].map(exactNumber).join('') + bytes.join('');
}

/** Prints a whole number, as IPVS's weights are; 0 means that the server gets no new connections. */
function listedWeight({ effectiveWeight }: ListedServer): number {
  return effectiveWeight > 0 ? Math.max(1, Math.round(effectiveWeight)) : 0;
}

function methodName({ forwarding }: ListedServer): string {
  return traitsOf(forwarding).listedAs;
}

function tunnelName({ forwarding, tunnelPort, tunnelChecksum = 'nocsum' }: ListedServer): string {
  const traits = traitsOf(forwarding);
  if (!traits.isTunnel) return 'n/a';
  const checksum = { nocsum: '-c', csum: '+c', remcsum: 'r+c' }[tunnelChecksum];
  return [forwarding, ...(traits.hasPort ? [tunnelPort] : []), ...(traits.checksums.length > 1 ? [checksum] : [])].join(
    ':',
  );
}
