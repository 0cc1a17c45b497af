/** The real servers whose replies a director has to see, since it puts the virtual address back as their source. */
import type { AddressFamily } from '../../values/inet.js';
import { type AnyProtocol, type Protocol, protocolName, protocols } from '../../values/protocol.js';
import { familyOf } from '../family.js';

export interface NatServer {
  /** The real server's own address (RIP), canonical. */
  readonly address: string;
  /** The protocols of its services. */
  readonly protocols: readonly Protocol[];
  /** The port that it answers from; 0 stands for every port. */
  readonly port: number;
  /** It serves FTP, whose data connections have any port: all its TCP is the director's. */
  readonly isFtp?: boolean;
}

/** What a service, or the statistics of one, says of its servers. */
export interface ServiceWithServers {
  readonly protocol: AnyProtocol;
  readonly port: number;
  readonly mark?: number | undefined;
}

/** What a real server, or its statistics, says. */
export interface ForwardedServer {
  readonly address: string;
  readonly port: number;
  readonly forwarding: string;
}

const FTP_PORT = 21;

/** Returns a server of which the director says that it sees its packets; `protocol` is a number, and 0 stands for all. */
export function natServerOf(known: { address: string; port: number; protocol: number; isFtp: boolean }): NatServer {
  const { address, port, isFtp } = known;
  const protocol = protocolName(known.protocol);
  return { address, port, protocols: protocol === 'ip' ? protocols : [protocol], ...(isFtp && { isFtp }) };
}

/**
 * Returns those of a service's servers whose packets the director translates in both directions. The replies of full
 * NAT come to an address of the director's own, so they are not among them.
 */
export function natServersOf(service: ServiceWithServers, servers: Iterable<ForwardedServer>): NatServer[] {
  const isFtp = service.protocol === 'tcp' && service.port === FTP_PORT;
  const common = {
    protocols: service.protocol === 'ip' ? protocols : [service.protocol],
    ...(isFtp && { isFtp }),
  };
  return [...servers]
    .filter(({ forwarding }) => forwarding === 'nat')
    .map(({ address, port }) => ({ address, port, ...common }));
}

export function serversOf(servers: readonly NatServer[], family: AddressFamily): NatServer[] {
  return servers.filter(({ address }) => familyOf(address) === family);
}

export function familiesOf(servers: readonly NatServer[]): AddressFamily[] {
  return ([4, 6] as const).filter((family) => servers.some(({ address }) => familyOf(address) === family));
}
