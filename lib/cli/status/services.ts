/** The lower part of the screen: virtual services and their real servers. */
import type { ServerState, ServerStatus, ServiceStatus } from '../../daemon/status.js';
import { columnsOf, fitText, type Line, line, span, type Style } from '../../demo/styled-line.js';
import { count } from '../words.js';
import { short } from './figures.js';

const STYLES: Readonly<Record<ServerState, Style>> = {
  up: 'good',
  down: 'bad',
  draining: 'warning',
  overloaded: 'warning',
  'weight 0': 'dim',
};

interface Column {
  title: string;
  /** A negative width is filled on the left. */
  width: number;
  server(server: ServerStatus): string;
  service(service: ServiceStatus): string;
  /** The column is left out of narrower screens. */
  from: number;
}

const COLUMNS: readonly Column[] = [
  { title: 'weight', width: -7, server: weight, service: () => '', from: 48 },
  {
    ...{ title: 'active', width: -7, from: 0 },
    server: (each) => short(each.activeConnections),
    service: (each) => short(each.activeConnections),
  },
  {
    ...{ title: 'inactive', width: -9, from: 76 },
    server: (each) => short(each.inactiveConnections),
    service: (each) => short(each.inactiveConnections),
  },
  {
    ...{ title: 'conn/s', width: -7, from: 40 },
    server: (each) => short(each.rates.connections),
    service: (each) => short(each.rates.connections),
  },
  {
    ...{ title: 'pkts/s', width: -7, from: 68 },
    server: (each) => short(each.rates.inPackets),
    service: (each) => short(each.rates.inPackets),
  },
  {
    ...{ title: 'bit/s', width: -7, from: 56 },
    server: (each) => short(each.rates.inBytes * 8),
    service: (each) => short(each.rates.inBytes * 8),
  },
];

/** Shows the weight that the scheduler goes by behind another that is configured. */
function weight({ weight, effectiveWeight, state }: ServerStatus): string {
  return effectiveWeight === weight || state !== 'up' ? short(weight) : `${short(weight)}>${short(effectiveWeight)}`;
}

const STATE = 11;

/** Returns `most` lines at most. */
export function serviceTable(services: readonly ServiceStatus[], columns: number, most: number): Line[] {
  if (services.length === 0) return [line(span('no virtual services', 'warning'))].slice(0, most);
  const shown = COLUMNS.filter(({ from }) => columns >= from);
  const numbers = shown.reduce((sum, { width }) => sum + Math.abs(width), 0);
  const names = services.flatMap(({ name, servers }) => [
    columnsOf(name),
    ...servers.map((each) => each.name.length + 2),
  ]);
  const width = Math.max(10, Math.min(Math.max(...names) + 1, columns - STATE - numbers));
  const row = (name: string, style: Style, state: ReturnType<typeof span>, values: string[]) =>
    line(
      span(fitText(name, width - 1), style),
      ' ',
      { ...state, text: fitText(state.text, STATE) },
      ...shown.map((column, at) =>
        span(fitText(values[at] as string, column.width), style === 'dim' ? 'dim' : 'plain'),
      ),
    );
  const header = row(
    count(services.length, 'service'),
    'dim',
    span('state', 'dim'),
    shown.map(({ title }) => title),
  );
  const fit = fitting(services, most - 1);
  const rows = fit.services.flatMap((service) => [
    row(
      service.name,
      'bold',
      usable(service),
      shown.map((column) => column.service(service)),
    ),
    ...serverRows(service, fit.servers).map((server) =>
      typeof server === 'string'
        ? line(span(`  ${server}`, 'dim'))
        : row(
            `  ${server.name}`,
            'plain',
            span(server.state, STYLES[server.state]),
            shown.map((column) => column.server(server)),
          ),
    ),
  ]);
  const hidden = services.length - fit.services.length;
  return [header, ...rows, ...(hidden > 0 ? [line(span(`and ${count(hidden, 'more service')}`, 'dim'))] : [])].slice(
    0,
    most,
  );
}

function usable({ servers }: ServiceStatus): ReturnType<typeof span> {
  const up = servers.filter(({ state }) => state === 'up').length;
  const style = up === 0 ? 'bad' : up < servers.length ? 'warning' : 'good';
  return span(`${up} of ${servers.length} up`, style);
}

/** Where not all fit, those that somebody has to look at come first. */
function troubledFirst<T>(all: readonly T[], isTroubled: (each: T) => boolean): T[] {
  return [...all.filter(isTroubled), ...all.filter((each) => !isTroubled(each))];
}

const hasNoServer = ({ servers }: ServiceStatus) => !servers.some(({ state }) => state === 'up');

/** Says which services fit into `lines`, and how many servers of each; each service has a line for itself first. */
function fitting(
  services: readonly ServiceStatus[],
  lines: number,
): { services: readonly ServiceStatus[]; servers: number } {
  if (services.length > lines)
    return { services: troubledFirst(services, hasNoServer).slice(0, Math.max(0, lines - 1)), servers: 0 };
  const longest = Math.max(...services.map(({ servers }) => servers.length));
  for (let most = longest; most > 0; most--) {
    const needed = services.reduce((sum, { servers }) => sum + 1 + Math.min(servers.length, most), 0);
    if (needed <= lines) return { services, servers: most };
  }
  return { services, servers: 0 };
}

/** The last of the `most` lines says how many servers are left out, if any is. */
function serverRows({ servers }: ServiceStatus, most: number): (ServerStatus | string)[] {
  if (servers.length <= most) return [...servers];
  if (most === 0) return [];
  const first = troubledFirst(servers, ({ state }) => state !== 'up').slice(0, most - 1);
  return [...first, `and ${count(servers.length - first.length, 'more server')}`];
}
