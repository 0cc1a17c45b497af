/**
 * Goes from one set of services to another with as little change as possible: what is the same on both sides is not
 * touched, so that its connections go on and its scheduler keeps its place.
 */
import { formatEndpoint } from '../values/inet.js';
import type { TableCommand } from './apply.js';
import type { ServerSettings } from './command.js';
import type { ListedService } from './listing/rows.js';
import { printServerSettings, printServiceId, printServiceSettings } from './print.js';
import { serverSettings, serviceSettings } from './settings.js';

/**
 * Returns commands that make `now` into `wanted`. Removals come first. Added servers keep their order among each other
 * (both sides list the newest first), after those that were there.
 */
export function reconcile(now: readonly ListedService[], wanted: readonly ListedService[]): TableCommand[] {
  const there = new Map(now.map((service) => [printServiceId(service.id), service]));
  const kept = new Set(wanted.map((service) => printServiceId(service.id)));
  const deletions = now
    .filter(({ id }) => !kept.has(printServiceId(id)))
    .map(({ id }): TableCommand => ({ command: 'deleteService', service: id }));
  return [
    ...deletions,
    ...wanted.flatMap((service) => reconcileService(there.get(printServiceId(service.id)), service)),
  ];
}

function reconcileService(now: ListedService | undefined, wanted: ListedService): TableCommand[] {
  const service = wanted.id;
  const commands: TableCommand[] = [];
  const settings = serviceSettings(wanted);
  if (!now) commands.push({ command: 'addService', service, settings });
  else if (printServiceSettings(now) !== printServiceSettings(wanted)) {
    commands.push({ command: 'editService', service, settings });
  }
  const there = new Map(now?.servers.map((server) => [formatEndpoint(server), server]));
  const kept = new Set(wanted.servers.map(formatEndpoint));
  for (const { address, port } of now?.servers ?? []) {
    const server = { address, port };
    if (!kept.has(formatEndpoint(server))) commands.push({ command: 'deleteServer', service, server });
  }
  for (const wantedServer of wanted.servers.toReversed()) {
    const { address, port } = wantedServer;
    const before = there.get(formatEndpoint(wantedServer));
    const change = { service, server: { address, port }, settings: serverSettings(wantedServer) };
    if (!before) commands.push({ command: 'addServer', ...change });
    else if (!isSameServer(before, wantedServer)) commands.push({ command: 'editServer', ...change });
  }
  return commands;
}

function isSameServer(left: ServerSettings, right: ServerSettings): boolean {
  return (
    left.forwarding === right.forwarding &&
    printServerSettings(left) === printServerSettings(right) &&
    left.upperThreshold === right.upperThreshold &&
    left.lowerThreshold === right.lowerThreshold
  );
}
