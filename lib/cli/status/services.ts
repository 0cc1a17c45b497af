/** The lower part of the screen: virtual services and their real servers. */
import type { ServerState, ServerStatus, ServiceStatus } from '../../daemon/status.js';
import { fitText, type Line, line, type Span, span, type Style } from '../../demo/styled-line.js';
import { type ForwardingMethod, isRewriting } from '../../values/forwarding-method.js';
import { count } from '../words.js';
import { short } from './figures.js';

const STYLES: Readonly<Record<ServerState, Style>> = {
  up: 'good',
  down: 'bad',
  draining: 'warning',
  overloaded: 'warning',
  'weight 0': 'dim',
  sorry: 'dim',
};

interface Column {
  title: string;
  /** A negative width is filled on the left. */
  width: number;
  server(server: ServerStatus): string;
  service(service: ServiceStatus): string;
  /** Where names would be cut, the columns of the lowest rank are left out. */
  rank: number;
  /** Whether it has something to say of these services; absent where it always has. */
  isOf?(services: readonly ServiceStatus[]): boolean;
}

/** Replies pass the director if the servers are reached by NAT. */
const passReplies = (services: readonly ServiceStatus[]) =>
  services.some(({ servers }) => servers.some(({ forwarding }) => isRewriting(forwarding as ForwardingMethod)));

const COLUMNS: readonly Column[] = [
  { title: 'weight', width: -7, server: weight, service: () => '', rank: 4 },
  {
    ...{ title: 'active', width: -7, rank: 6 },
    server: (each) => short(each.activeConnections),
    service: (each) => short(each.activeConnections),
  },
  {
    ...{ title: 'inactive', width: -9, rank: 1 },
    server: (each) => short(each.inactiveConnections),
    service: (each) => short(each.inactiveConnections),
  },
  {
    ...{ title: 'conn/s', width: -7, rank: 5 },
    server: (each) => short(each.rates.connections),
    service: (each) => short(each.rates.connections),
  },
  {
    ...{ title: 'pkts/s', width: -7, rank: 2 },
    server: (each) => short(each.rates.inPackets),
    service: (each) => short(each.rates.inPackets),
  },
  {
    ...{ title: 'bit/s', width: -7, rank: 3 },
    server: (each) => short(each.rates.inBytes * 8),
    service: (each) => short(each.rates.inBytes * 8),
  },
  {
    ...{ title: 'back: pkts/s', width: -13, rank: 0, isOf: passReplies },
    server: (each) => short(each.rates.outPackets),
    service: (each) => short(each.rates.outPackets),
  },
  {
    ...{ title: 'bit/s', width: -7, rank: 0, isOf: passReplies },
    server: (each) => short(each.rates.outBytes * 8),
    service: (each) => short(each.rates.outBytes * 8),
  },
];

/** Shows the weight that the scheduler goes by behind another that is configured. */
function weight({ weight, effectiveWeight, state }: ServerStatus): string {
  return effectiveWeight === weight || state !== 'up' ? short(weight) : `${short(weight)}>${short(effectiveWeight)}`;
}

interface Layout {
  /** The columns with numbers. */
  shown: readonly Column[];
  /** The widths of the first two columns, with the space behind them. */
  name: number;
  state: number;
}

const LEAST_NAME = 8;
/** Names of services and servers are ASCII. */
const longest = (texts: readonly string[]) => texts.reduce((most, text) => Math.max(most, text.length), 0);

function layoutOf(services: readonly ServiceStatus[], columns: number): Layout {
  const names = services.flatMap((service) => [service.name, ...service.servers.map(({ name }) => `  ${name}`)]);
  const wanted = longest(names) + 1;
  const state = longest([...Object.keys(STYLES), ...services.map((service) => usable(service).text)]) + 1;
  let shown = COLUMNS.filter(({ isOf }) => isOf === undefined || isOf(services));
  const left = () => columns - state - shown.reduce((sum, { width }) => sum + Math.abs(width), 0);
  while (left() < wanted && shown.length > 1) {
    const lowest = Math.min(...shown.map(({ rank }) => rank));
    shown = shown.filter(({ rank }) => rank > lowest);
  }
  return { shown, name: Math.max(LEAST_NAME, Math.min(wanted, left())), state };
}

/** Makes a name exactly `columns` wide: what is cut is of its middle, because names differ at their ends. */
function fitName(name: string, columns: number): string {
  if (name.length <= columns) return fitText(name, columns);
  const head = Math.floor((columns - 1) / 2);
  return `${name.slice(0, head)}…${name.slice(name.length - (columns - 1 - head))}`;
}

function rowOf({ shown, name, state }: Layout, first: Span, second: Span, value: (column: Column) => string): Line {
  const style = first.style === 'dim' ? 'dim' : 'plain';
  return line(
    span(fitName(first.text, name - 1), first.style),
    ' ',
    span(fitText(second.text, state), second.style),
    ...shown.map((column) => span(fitText(value(column), column.width), style)),
  );
}

/** Returns `most` lines at most. */
export function serviceTable(services: readonly ServiceStatus[], columns: number, most: number): Line[] {
  if (services.length === 0) return [line(span('no virtual services', 'warning'))].slice(0, most);
  const layout = layoutOf(services, columns);
  const fit = fitting(services, most - 1);
  const hidden = services.length - fit.services.length;
  return [
    rowOf(layout, span(count(services.length, 'service'), 'dim'), span('state', 'dim'), ({ title }) => title),
    ...fit.services.flatMap((service) => serviceLines(layout, service, fit.servers)),
    ...(hidden > 0 ? [line(span(`and ${count(hidden, 'more service')}`, 'dim'))] : []),
  ].slice(0, Math.max(0, most));
}

function serviceLines(layout: Layout, service: ServiceStatus, servers: number): Line[] {
  const own = rowOf(layout, span(service.name, 'bold'), usable(service), (column) => column.service(service));
  const rows = serverRows(service, servers).map((server) => {
    if (typeof server === 'string') return line(span(`  ${server}`, 'dim'));
    const state = span(server.state, STYLES[server.state]);
    return rowOf(layout, span(`  ${server.name}`), state, (column) => column.server(server));
  });
  return [own, ...rows];
}

/** A sorry server at rest is none of those that ought to take connections. */
function usable({ servers: all }: ServiceStatus): Span {
  const servers = all.filter(({ state }) => state !== 'sorry');
  const up = servers.filter(({ state }) => state === 'up').length;
  const style = up === 0 ? 'bad' : up < servers.length ? 'warning' : 'good';
  return span(`${up}/${servers.length} up`, style);
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
  const largest = services.reduce((most, { servers }) => Math.max(most, servers.length), 0);
  for (let most = Math.min(largest, lines); most > 0; most--) {
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
