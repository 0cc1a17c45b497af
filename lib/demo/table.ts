/** The demo's table of real servers. */
import type { DirectorLine, ServerSample } from '../lab/commands.js';

const COLUMNS: readonly [
  title: string,
  width: number,
  value: (server: ServerSample, name: string) => string | number,
][] = [
  ['real server', -13, (_, name) => name],
  ['address', -12, (server) => server.address],
  ['weight', 6, (server) => server.weight],
  ['active', 7, (server) => server.activeConnections],
  ['inactive', 9, (server) => server.inactiveConnections],
  ['connections', 12, (server) => String(server.totals.connections ?? 0)],
  ['packets', 9, (server) => String(server.totals.inPackets ?? 0)],
  ['conn/s', 8, (server) => Math.round(server.rates.connections ?? 0)],
  ['packets/s', 10, (server) => Math.round(server.rates.inPackets ?? 0)],
];

/** `names` gives each real server's name by its address. */
export function renderTable(sample: DirectorLine, names: ReadonlyMap<string, string>): string[] {
  const lines = sample.services.flatMap((service) => [
    `  ${service.protocol.toUpperCase()} ${service.address}:${service.port}, ${service.scheduler}`,
    row(COLUMNS.map(([title]) => title)),
    ...[...service.servers]
      .sort((a, b) => a.address.localeCompare(b.address, 'en', { numeric: true }))
      .map((server) => row(COLUMNS.map(([, , value]) => String(value(server, names.get(server.address) ?? ''))))),
  ]);
  return ['', ...lines, ''];
}

function row(cells: readonly string[]): string {
  const padded = cells.map((cell, index) => {
    const width = COLUMNS[index]?.[1] ?? 0;
    return width < 0 ? cell.padEnd(-width) : cell.padStart(width);
  });
  return `    ${padded.join(' ').trimEnd()}`;
}
