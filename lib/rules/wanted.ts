/** What a director is wanted to hold, whether rules or a configuration file say so, and what a director holds now. */
import type { NativeServerConfig } from '../native/services.js';
import type { Policy } from '../policy/policy.js';
import type { MarkRule } from '../values/marks.js';
import type { RealServerKey, RealServerEdit } from '../values/server-options.js';
import { type ServiceIdentity, serviceName } from '../values/service-key.js';
import type { StateTimeouts } from '../values/timeouts.js';
import type { ServerForwarding } from '../values/server-options.js';
import type { VirtualServiceEdit } from '../director/service-options.js';

/** What is found or decided while a server runs (its health, a drain) is true of it and never wanted. */
export interface WantedServerSettings extends Omit<RealServerEdit, 'isUp'> {
  /**
   * It is a sorry server; left out, it is none. Another value makes another server of it, which keeps its connections.
   */
  isSorry?: boolean;
}

export interface WantedServer extends Required<RealServerKey> {
  /** A setting that is left out is left as it is. */
  settings: WantedServerSettings;
}

export interface WantedService {
  identity: ServiceIdentity;
  /** A setting that is left out is left as it is. */
  settings: VirtualServiceEdit;
  /** In the order of adding. */
  servers: WantedServer[];
}

/** Plain data in canonical spelling, but for the policies. */
export interface Wanted {
  services: WantedService[];
  marks: readonly MarkRule[];
  /** A state that is left out is left as it is. */
  timeouts: StateTimeouts;
  /** A sysctl that is left out is left as it is. */
  sysctls: Readonly<Record<string, number>>;
}

interface HeldServer {
  readonly address: string;
  readonly port: number;
  readonly nativeConfig: NativeServerConfig;
  readonly askedForwarding: ServerForwarding;
}

interface HeldService extends ServiceIdentity, Required<Omit<VirtualServiceEdit, 'persistence' | 'policy'>> {
  readonly persistence: VirtualServiceEdit['persistence'] | undefined;
  readonly runner: { readonly policy: Policy } | undefined;
  readonly realServers: readonly HeldServer[];
}

/** What is read of a director; `Director` and `OfflineDirector` have it. */
export interface HoldingDirector {
  readonly virtualServices: readonly HeldService[];
  readonly marks: readonly MarkRule[];
  readonly stateTimeouts: Required<StateTimeouts>;
  readonly sysctls: Readonly<Record<string, number>>;
}

/** Says what the director holds now, every setting of it. */
export function heldBy(director: HoldingDirector): Wanted {
  return {
    services: director.virtualServices.map(heldService),
    marks: director.marks,
    timeouts: director.stateTimeouts,
    sysctls: director.sysctls,
  };
}

function heldService(service: HeldService): WantedService {
  const { protocol, address, port, lastPort, mark } = service;
  return {
    identity: {
      ...{ protocol, address, port },
      ...(lastPort !== undefined && { lastPort }),
      ...(mark !== undefined && { mark }),
    },
    settings: {
      scheduler: service.scheduler,
      schedulerFlags: service.schedulerFlags,
      schedulerOptions: service.schedulerOptions,
      persistence: service.persistence ?? false,
      onePacket: service.onePacket,
      timeouts: service.timeouts,
      midStream: service.midStream,
      slowStart: service.slowStart,
      rescheduleUdp: service.rescheduleUdp,
      announce: service.announce,
      policy: service.runner?.policy ?? null,
    },
    servers: service.realServers.map(heldServer),
  };
}

/** Every setting is held, but for the two that are absent where there is nothing of the kind. */
type HeldServerSettings = Required<Omit<WantedServerSettings, 'tunnelPort' | 'isSorry'>> & WantedServerSettings;

/** REQUIRES: the server is configured. A director has very many, so nothing is checked or copied twice. */
function heldServer({ address, port, nativeConfig, askedForwarding }: HeldServer): WantedServer {
  const { weight, upperThreshold, lowerThreshold } = nativeConfig;
  const { forwarding, tunnelPort, tunnelChecksum, clientAddress } = askedForwarding as Required<WantedServerSettings>;
  const settings: HeldServerSettings = {
    ...{ forwarding, tunnelChecksum, clientAddress, weight, upperThreshold, lowerThreshold },
    ...(tunnelPort > 0 && { tunnelPort }),
    ...(nativeConfig.isSorry && { isSorry: true }),
  };
  return { address, port, settings };
}

/** Tells services apart, as `tcp 192.0.2.1:80`. */
export const nameOfService = ({ identity }: Pick<WantedService, 'identity'>): string => serviceName(identity);
