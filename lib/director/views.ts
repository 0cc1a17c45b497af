/**
 * Shows handles to JSON and util.inspect(): what they stand for, without their internals. Neither throws: the view of
 * a handle says so when its director is closed, or its service or server deleted.
 */
import type { HealthCondition } from '../values/health-condition.js';
import { unlessGone } from '../values/handle-view.js';
import { type ServiceIdentity, serviceName } from '../values/service-key.js';
import { serverName } from '../values/server-options.js';

/** What is read of a handle; all but the name throws once the handle is void. */
interface ViewedServer {
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  /** By a policy. */
  readonly assignedWeight: number | undefined;
  readonly forwarding: string;
  readonly isUp: boolean;
  readonly isDraining: boolean;
  readonly isSorry: boolean;
  readonly health: HealthCondition | undefined;
}

interface ViewedService extends ServiceIdentity {
  readonly scheduler: string;
  readonly policy: { readonly kind: string; readonly name: string } | undefined;
  readonly realServers: readonly ViewedServer[];
}

interface ViewedDirector {
  readonly sources: readonly string[];
  readonly device: { readonly name: string } | undefined;
  readonly virtualServices: readonly ViewedService[];
}

export function serverJson(server: ViewedServer): object {
  const { address, port } = server;
  return { address, port, ...unlessGone(() => stateOf(server)) };
}

export function serviceJson(service: ViewedService): object {
  const { protocol, address, port, lastPort, mark } = service;
  return {
    ...{ protocol, address, port, lastPort, mark },
    ...unlessGone(() => ({
      scheduler: service.scheduler,
      policy: service.policy && { kind: service.policy.kind, name: service.policy.name },
      realServers: service.realServers.map(serverJson),
    })),
  };
}

export function directorJson(director: ViewedDirector): object {
  return {
    device: director.device?.name,
    sources: director.sources,
    ...unlessGone(() => ({ virtualServices: director.virtualServices.map(serviceJson) })),
  };
}

export function serverView(server: ViewedServer & { readonly service: ServiceIdentity }): object {
  const view = { name: serverName(server), service: serviceName(server.service) };
  return { ...view, ...unlessGone(() => stateOf(server)) };
}

export function serviceView(service: ViewedService): object {
  const read = () => ({
    scheduler: service.scheduler,
    ...(service.policy && { policy: service.policy.name }),
    realServers: service.realServers.map(shortServer),
  });
  return { name: serviceName(service), ...unlessGone(read) };
}

export function directorView(director: ViewedDirector): object {
  const read = () => ({ virtualServices: director.virtualServices.map(shortService) });
  return {
    ...(director.device && { device: director.device.name }),
    sources: director.sources,
    ...unlessGone(read),
  };
}

function stateOf(server: ViewedServer): object {
  const { weight, assignedWeight, forwarding, isUp, isDraining, isSorry, health } = server;
  return {
    weight,
    ...(assignedWeight !== undefined && { assignedWeight }),
    ...{ forwarding, isUp, isDraining },
    ...(isSorry && { isSorry }),
    ...(health && { health }),
  };
}

function shortServer(server: ViewedServer): string {
  const { weight, assignedWeight } = server;
  const assigned = assignedWeight === undefined ? '' : ` (assigned ${assignedWeight})`;
  const { isUp, isDraining, isSorry, health } = server;
  const isDown = !isUp || health?.isUp === false;
  const isOut = health?.isOut === true;
  const state = [isSorry && ', sorry', isDown && ', down', isOut && ', out', isDraining && ', draining'];
  return `${serverName(server)} weight ${weight}${assigned}${state.filter(Boolean).join('')}`;
}

function shortService(service: ViewedService): string {
  const servers = service.realServers.map(shortServer);
  return `${serviceName(service)} ${service.scheduler}: ${servers.join('; ') || 'no real servers'}`;
}
