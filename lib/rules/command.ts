/** What a rule says once its text is understood: the whole of ipvsadm 1.31's grammar, one variant per command. */
import type { ClientTold, ForwardingMethod } from '../values/forwarding-method.js';
import type { AddressFamily, Endpoint } from '../values/inet.js';
import { serverPortOf } from '../values/service-key.js';

export type ServiceProtocol = 'tcp' | 'udp' | 'sctp';

/** What names a virtual service. */
export type ServiceId =
  | {
      kind: 'address';
      protocol: ServiceProtocol;
      /** An extension of ours: ADDRESS/LENGTH is a range of addresses. */
      address: string;
      port: number;
      /** An extension of ours: the last port of a range that begins with `port`. */
      lastPort?: number;
    }
  | {
      kind: 'mark';
      /** [1, 2^32-1] */
      mark: number;
      family: AddressFamily;
    };

/** The scheduler's numbered flags: 1 is `sh-fallback` or `mh-fallback`, 2 is `sh-port` or `mh-port`. */
export type SchedulerFlag = 1 | 2 | 3;

export interface Persistence {
  /** [1, 2678400] */
  timeoutSeconds: number;
  /**
   * The mask that makes clients one: dotted for IPv4, a prefix length for IPv6; absent when each address is a client.
   */
  netmask?: string;
  engine?: string;
}

export interface ServiceSettings {
  scheduler: string;
  /** Ascending, without duplicates. */
  schedulerFlags: SchedulerFlag[];
  persistence?: Persistence;
  onePacket: boolean;
}

export type { ForwardingMethod };

export type TunnelChecksum = 'nocsum' | 'csum' | 'remcsum';

export interface ServerSettings {
  forwarding: ForwardingMethod;
  /** For GUE only, [1, 65535]. */
  tunnelPort?: number;
  /** For GUE and GRE only. */
  tunnelChecksum?: TunnelChecksum;
  /** An extension of ours, for full NAT only: absent while the server is not told the client's address. */
  clientAddress?: Exclude<ClientTold, 'none'>;
  /** [0, 2^31-1] */
  weight: number;
  /** [0, 2^31-1]; 0: no limit. */
  upperThreshold: number;
  /** [0, 2^31-1]; 0: three quarters of the upper threshold. */
  lowerThreshold: number;
}

/** In ipvsadm's order of precedence, for a rule that asks for several. */
export type ListColumns = 'stats' | 'rate' | 'thresholds' | 'persistent' | 'tunnel' | 'plain';

export interface ListCommand {
  command: 'list';
  what: 'services' | 'connections' | 'timeouts' | 'daemon';
  service?: ServiceId;
  columns: ListColumns;
  exact: boolean;
  sorted: boolean;
  numeric: boolean;
}

export type DaemonRole = 'master' | 'backup';

export interface StartDaemonCommand {
  command: 'startDaemon';
  role: DaemonRole;
  interface?: string;
  syncId?: number;
  maxLength?: number;
  group?: string;
  port?: number;
  ttl?: number;
  /** Beyond ipvsadm: in place of a group. */
  peers?: string[];
  keyFile?: string;
}

export type ServiceCommand = { command: 'addService' | 'editService'; service: ServiceId; settings: ServiceSettings };

export type ServerCommand = {
  command: 'addServer' | 'editServer';
  service: ServiceId;
  server: Endpoint;
  settings: ServerSettings;
};

export type Command =
  | ServiceCommand
  | { command: 'deleteService'; service: ServiceId }
  | ServerCommand
  | { command: 'deleteServer'; service: ServiceId; server: Endpoint }
  | { command: 'clear' }
  | { command: 'restore' }
  | { command: 'save'; numeric: boolean }
  | ListCommand
  | { command: 'zero'; service?: ServiceId }
  | {
      command: 'setTimeouts';
      /** Seconds, each [0, 2678400]; 0 leaves that timeout as it is. */
      tcp: number;
      tcpFin: number;
      udp: number;
    }
  | StartDaemonCommand
  | { command: 'stopDaemon'; role: DaemonRole; syncId?: number }
  | { command: 'help' }
  | { command: 'version' };

export type CommandName = Command['command'];

/** `sysctl net.ipv4.vs.NAME=VALUE`. */
export interface SysctlAssignment {
  command: 'sysctl';
  /** Without the prefix `net.ipv4.vs.`. */
  name: string;
  value: number;
  /** Said with `sync_threshold`, which has two numbers: the sysctl `sync_period` is to have this one. */
  syncPeriod?: number;
}

export const DEFAULT_SCHEDULER = 'wlc';
export const DEFAULT_WEIGHT = 1;
/** The timeout of a bare `-p`, as ipvsadm 1.31 sets it. */
export const DEFAULT_PERSISTENCE_SECONDS = 360;
export const INT_MAX = 2 ** 31 - 1;

export const PROTOCOL_NUMBERS: Readonly<Record<ServiceProtocol, number>> = { tcp: 6, udp: 17, sctp: 132 };

/** Returns the default port of the service's real servers; 0 keeps the packet's. */
export function servicePort(service: ServiceId): number {
  return service.kind === 'mark' ? 0 : serverPortOf(service);
}

export function serviceFamily(service: ServiceId): AddressFamily {
  if (service.kind === 'mark') return service.family;
  return service.address.includes(':') ? 6 : 4;
}
