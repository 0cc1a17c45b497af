/**
 * Names of services and real servers in paths: `tcp:192.0.2.1:80`, `tcp:[2001:db8::1]:443`, `udp:192.0.2.1:5000-5010`,
 * `tcp:192.0.2.0/28:80` with `%2F` for its slash, `mark:7`, and `mark6:7` for IPv6. What serviceName() writes names a
 * service, too: people paste what a screen or a log shows, `tcp 192.0.2.1:80`, `mark 7 IPv6`.
 */
import { parseEndpoint } from '../../values/inet.js';
import { prefixFamily } from '../../values/prefix.js';
import { checkedServerKey, type RealServerKey } from '../../values/server-options.js';
import {
  checkedServiceKey,
  formatVirtualEndpoint,
  type ServiceIdentity,
  type VirtualServiceKey,
} from '../../values/service-key.js';
import { Problem } from '../problem.js';

/** REQUIRES: a canonical address. */
export function serviceId(service: ServiceIdentity): string {
  const { mark, address, protocol } = service;
  if (mark === undefined) return `${protocol}:${formatVirtualEndpoint(service)}`;
  return `${prefixFamily(address) === 6 ? 'mark6' : 'mark'}:${mark}`;
}

/** As a path has it. */
export function servicePath(service: ServiceIdentity): string {
  return `/v1/services/${serviceId(service).replaceAll('/', '%2F')}`;
}

const BY_MARK = /^(?:(mark6?):(\d{1,10})|mark (\d{1,10})( IPv6)?)$/;
const BY_ADDRESS = /^(tcp|udp|sctp)[: ](?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})(?:-(\d{1,5}))?$/;

/** Throws a problem that says how a service is named. */
export function parseServiceId(id: string): ServiceIdentity {
  const key = keyOf(id);
  if (key === undefined)
    throw new Problem(
      404,
      'ERR_TUNVS_NOT_FOUND',
      `"${shown(id)}" names no virtual service: write tcp:192.0.2.1:80, udp:[2001:db8::1]:5000-5010, mark:7 or mark6:7`,
    );
  try {
    return checkedServiceKey('service', key);
  } catch (error) {
    throw new Problem(
      404,
      'ERR_TUNVS_NOT_FOUND',
      `"${shown(id)}" names no virtual service: ${(error as Error).message}`,
    );
  }
}

function keyOf(id: string): VirtualServiceKey | undefined {
  const marked = BY_MARK.exec(id);
  if (marked) {
    const [, word, ofId, ofName, isIpv6] = marked;
    return { mark: Number(ofId ?? ofName), family: word === 'mark6' || isIpv6 ? 6 : 4 };
  }
  const [, protocol, address6, address4, port, lastPort] = BY_ADDRESS.exec(id) ?? [];
  if (protocol === undefined) return undefined;
  const named = { protocol: protocol as 'tcp', address: address6 ?? address4 ?? '', port: Number(port) };
  return { ...named, ...(lastPort !== undefined && { lastPort: Number(lastPort) }) };
}

/** `192.0.2.1:80`, `[2001:db8::1]:80`, or without the port, which is then the service's. */
export function parseServerId(id: string, servicePort: number): Required<RealServerKey> {
  const endpoint = parseEndpoint(id);
  if ('mistake' in endpoint)
    throw new Problem(
      404,
      'ERR_TUNVS_NOT_FOUND',
      `"${shown(id)}" names no real server: write 10.3.0.11:80 or [2001:db8::11]:80`,
    );
  const { address, port } = endpoint;
  return checkedServerKey('server', { address, ...(port !== undefined && { port }) }, servicePort);
}

function shown(id: string): string {
  return id.length > 80 ? `${id.slice(0, 80)}...` : id;
}
