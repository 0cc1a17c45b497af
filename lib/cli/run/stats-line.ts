/** Formats one line about what a director does now. */
import type { DirectorSample } from '../../stats/rates.js';

export function statsLine(sample: DirectorSample): string {
  const { rates, table, services } = sample;
  const servers = services.flatMap((service) => service.servers);
  const active = servers.reduce((sum, server) => sum + server.activeConnections, 0);
  const megabits = (rates.inBytes * 8) / 1e6;
  return [
    new Date(sample.atMs).toISOString().slice(11, 19),
    `${rates.connections.toFixed(0)} conn/s`,
    `${rates.inPackets.toFixed(0)} packets/s`,
    `${megabits.toFixed(1)} Mbit/s`,
    `${table.ipv4 + table.ipv6} connections (${active} active)`,
  ].join('  ');
}
