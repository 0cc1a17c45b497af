/** What listings print: plain data, whoever counted it. */
import type { Endpoint } from '../../values/inet.js';
import type { AnyProtocol } from '../../values/protocol.js';
import type { ServerSettings, ServiceId, ServiceSettings } from '../command.js';

/** Totals, or per-second rates. */
export interface ListedTraffic {
  connections: bigint | number;
  inPackets: bigint | number;
  outPackets: bigint | number;
  inBytes: bigint | number;
  outBytes: bigint | number;
}

export interface ListedServer extends Endpoint, ServerSettings {
  /** The weight that the scheduler uses and `-L` shows; `-S` prints the configured one. */
  effectiveWeight: number;
  /** `-S` leaves a sorry server out, because the rules would make an ordinary one of it. */
  isSorry?: true;
  activeConnections: number;
  inactiveConnections: number;
  persistentConnections: number;
  totals: ListedTraffic;
  /** IPVS's estimate; absent when all of it is 0. */
  estimatedRates?: ListedTraffic;
}

export interface ListedService extends ServiceSettings {
  id: ServiceId;
  totals: ListedTraffic;
  estimatedRates?: ListedTraffic;
  /** Newest first, as the engine keeps them. */
  servers: ListedServer[];
}

export interface ListedConnection {
  /** `ip` marks a persistence template of a firewall-mark service. */
  protocol: AnyProtocol;
  client: Endpoint;
  virtual: Endpoint;
  server: Endpoint;
  state: string;
  expiresMs: number;
  persistenceEngine?: { name: string; data: string };
}

export const NO_TRAFFIC: ListedTraffic = { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 };
