/** The configuration that the listings in test/golden were recorded with, and the counts that they show. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatEndpoint } from '../../lib/values/inet.js';
import type { ListedServer, ListedService, ListedTraffic } from '../../lib/rules/listing/rows.js';
import { NO_TRAFFIC } from '../../lib/rules/listing/rows.js';
import { parseCommandLine } from '../../lib/rules/parse-command.js';
import { printServiceId } from '../../lib/rules/print.js';
import { golden } from './golden.js';

export interface GoldenCounts {
  active?: number;
  inactive?: number;
  /** connections, inPackets, outPackets, inBytes, outBytes */
  traffic?: [number, number, number, number, number];
}

/** Rules as listings show them: services in the order of the rules, servers newest first. */
export function listedServices(rules: string, counts: Record<string, GoldenCounts> = {}): ListedService[] {
  const services: ListedService[] = [];
  for (const line of rules.split('\n')) {
    const command = parseCommandLine(line);
    if (command?.command === 'addService') {
      const traffic = trafficOf(counts[printServiceId(command.service)]);
      services.push({ id: command.service, ...command.settings, ...traffic, servers: [] });
    } else if (command?.command === 'addServer') {
      const service = services.find(({ id }) => printServiceId(id) === printServiceId(command.service));
      const count = counts[`${printServiceId(command.service)} ${formatEndpoint(command.server)}`];
      const server: ListedServer = {
        ...command.server,
        ...command.settings,
        effectiveWeight: command.settings.weight,
        activeConnections: count?.active ?? 0,
        inactiveConnections: count?.inactive ?? 0,
        persistentConnections: 0,
        ...trafficOf(count),
      };
      service?.servers.unshift(server);
    }
  }
  return services;
}

function trafficOf(counts: GoldenCounts | undefined): { totals: ListedTraffic; estimatedRates: ListedTraffic } {
  if (!counts?.traffic) return { totals: NO_TRAFFIC, estimatedRates: NO_TRAFFIC };
  const [connections, inPackets, outPackets, inBytes, outBytes] = counts.traffic;
  const traffic = { connections, inPackets, outPackets, inBytes, outBytes };
  return { totals: traffic, estimatedRates: traffic };
}

export function goldenServices(counts: Record<string, GoldenCounts> = {}): ListedService[] {
  return listedServices(readFileSync(join(golden, 'ipvsadm-output', '00-config.txt'), 'utf8'), counts);
}
