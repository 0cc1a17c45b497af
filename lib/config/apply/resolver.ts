/** What is asked of DNS, and Node's resolver, which asks the name servers that the host is set up with. */
import { Resolver } from 'node:dns/promises';
import { addressFamily } from '../../values/inet.js';
import { HostsFile } from './hosts.js';

/** An address, and how long it counts. */
export interface TimedAddress {
  /** The address. */
  address: string;
  /** The number of seconds that the record counts. */
  ttl: number;
}

/** An SRV record (RFC 2782). */
export interface ServiceRecord {
  /** The name of the target. */
  name: string;
  /** The port of the target. */
  port: number;
  /** The lowest counts. */
  priority: number;
  /** The share among records of one priority, [0, 65535]. */
  weight: number;
}

/** Asks DNS. It rejects with a `code` as node:dns does: ENODATA and ENOTFOUND say that there is nothing of the kind. */
export interface DnsResolver {
  /** Asks for IPv4 addresses. */
  a(name: string): Promise<TimedAddress[]>;
  /** Asks for IPv6 addresses. */
  aaaa(name: string): Promise<TimedAddress[]>;
  /** Asks for the records of a service. */
  srv(name: string): Promise<ServiceRecord[]>;
  /** Ends the questions that are open. */
  cancel(): void;
}

const TIMEOUT_MS = 2_000;
const TRIES = 2;

/**
 * Makes the resolver that asks name servers, after /etc/hosts: a name that stands there is not asked for. Records of
 * services are of DNS alone.
 *
 * @param servers - The name servers, as `ADDRESS` or `ADDRESS:PORT`. By default they are those of /etc/resolv.conf.
 * @example
 * ```ts
 * import { Director } from 'tunvs';
 * import { nodeResolver, SpecSession } from 'tunvs/config';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const session = new SpecSession(director, { resolver: nodeResolver(['10.2.0.53']) });
 * await session.close();
 * ```
 */
export function nodeResolver(servers?: readonly string[]): DnsResolver {
  return withHosts(dnsResolver(servers), new HostsFile('/etc/hosts'));
}

/** The file has no TTL; it is looked into again after so many seconds. */
const HOSTS_TTL = 5;

export function withHosts(dns: DnsResolver, hosts: HostsFile): DnsResolver {
  const either = (family: 4 | 6, ask: (name: string) => Promise<TimedAddress[]>) => async (name: string) => {
    const all = await hosts.addresses(name);
    if (all === undefined) return ask(name);
    const ours = all.filter((address) => addressFamily(address) === family);
    if (ours.length === 0) throw Object.assign(new Error(`${name} has no such address`), { code: 'ENODATA' });
    return ours.map((address) => ({ address, ttl: HOSTS_TTL }));
  };
  return {
    a: either(4, (name) => dns.a(name)),
    aaaa: either(6, (name) => dns.aaaa(name)),
    srv: (name) => dns.srv(name),
    cancel: () => dns.cancel(),
  };
}

function dnsResolver(servers?: readonly string[]): DnsResolver {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  if (servers) resolver.setServers(servers);
  return {
    a: (name) => resolver.resolve4(name, { ttl: true }),
    aaaa: (name) => resolver.resolve6(name, { ttl: true }),
    srv: (name) => resolver.resolveSrv(name),
    cancel: () => resolver.cancel(),
  };
}
