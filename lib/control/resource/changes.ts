/** Changes as the API has them: add, make whole, edit. REQUIRES: within a transaction where one changes several things. */
import { isDeepStrictEqual } from 'node:util';
import type { Transaction } from '../../director/configuration.js';
import type { VirtualServiceOptions } from '../../director/service-options.js';
import type { RealServer, VirtualService } from '../../director/virtual-service.js';
import type { RealServerEdit, RealServerOptions } from '../../values/server-options.js';
import type { ServiceIdentity } from '../../values/service-key.js';
import { serverSettings, serviceSettings } from './resources.js';
import type { ServerEdit, ServerNew, ServerWhole } from '../schema/server.js';
import type { ServiceEdit, ServiceNew, ServiceWhole } from '../schema/service.js';

const SERVICE_DEFAULTS = {
  scheduler: 'wlc',
  schedulerFlags: [],
  schedulerOptions: {},
  persistence: false,
  onePacket: false,
  timeouts: {},
  midStream: 'reset',
  slowStart: { seconds: 0 },
  rescheduleUdp: false,
  announce: 'always',
} as const satisfies ServiceEdit;

const SERVER_DEFAULTS = {
  weight: 1,
  forwarding: 'ipip',
  tunnelChecksum: 'none',
  clientAddress: 'none',
  upperThreshold: 0,
  lowerThreshold: 0,
} as const;

export function addService(transaction: Transaction, given: ServiceNew): VirtualService {
  const { realServers = [], ...options } = given;
  const service = transaction.addVirtualService(options as VirtualServiceOptions);
  for (const server of realServers) addServer(service, server);
  return service;
}

export function addServer(service: VirtualService, given: ServerNew): RealServer {
  const { isDraining: _d, assignedWeight: _a, ...options } = given;
  return service.addRealServer(withoutNoPort(options) as RealServerOptions);
}

export function editService(service: VirtualService, edit: ServiceEdit): void {
  service.edit(edit);
}

export function editServer(server: RealServer, edit: ServerEdit): void {
  server.edit(withoutNoPort(edit) as RealServerEdit);
}

/** Makes a service as `given` says; what is left out has its default, and servers that are left out are deleted. */
export function putService(transaction: Transaction, key: ServiceIdentity, given: ServiceWhole): VirtualService {
  const { id: _i, protocol: _p, address: _a, port: _o, lastPort: _l, mark: _m, policy: _y, ...rest } = given;
  const { realServers, ...settings } = rest;
  const before = transaction.virtualService(key);
  const whole = { ...SERVICE_DEFAULTS, ...settings };
  const service = before ?? transaction.addVirtualService({ ...key, ...whole } as VirtualServiceOptions);
  if (before && !isDeepStrictEqual({ ...serviceSettings(before) }, whole)) editService(before, whole as ServiceEdit);
  const kept = new Set<RealServer>();
  for (const server of realServers) kept.add(putServer(service, server));
  for (const server of service.realServers) if (!kept.has(server)) server.delete();
  return service;
}

/** Makes a server as `given` says; its health stays as it is unless it is given. */
export function putServer(service: VirtualService, given: ServerWhole & { address: string }): RealServer {
  const { address, port, isDraining: _d, assignedWeight: _a, isUp, isSorry = false, ...settings } = given;
  const key = { address, ...(port !== undefined && { port }) };
  const whole = withoutNoPort({ ...SERVER_DEFAULTS, ...settings });
  const before = service.realServer(key);
  const turns = before !== undefined && before.isSorry !== isSorry;
  const wasUp = before?.isUp;
  if (turns) before.delete();
  if (!before || turns) {
    const up = isUp ?? wasUp;
    return service.addRealServer({
      ...key,
      ...whole,
      ...(up !== undefined && { isUp: up }),
      isSorry,
    } as RealServerOptions);
  }
  // An edit, even of nothing, sends the walk of wrr to the list's head.
  if (!isDeepStrictEqual(serverSettings(before), whole)) before.edit(whole as RealServerEdit);
  if (isUp !== undefined) before.isUp = isUp;
  return before;
}

/** Other methods than 'gue' read 0 for their port, and take none. */
function withoutNoPort<T extends { tunnelPort?: number | undefined }>(given: T): Omit<T, 'tunnelPort'> | T {
  const { tunnelPort, ...others } = given;
  return tunnelPort === 0 ? others : given;
}
