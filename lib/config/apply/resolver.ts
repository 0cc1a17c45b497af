/** What is asked of DNS, and Node's resolver, which asks the name servers that the host is set up with. */
import { Resolver } from 'node:dns/promises';

export interface TimedAddress {
  address: string;
  /** Seconds. */
  ttl: number;
}

export interface ServiceRecord {
  name: string;
  port: number;
  priority: number;
  weight: number;
}

/** Rejects with a `code` as node:dns does: ENODATA and ENOTFOUND say that there is nothing of the kind. */
export interface DnsResolver {
  a(name: string): Promise<TimedAddress[]>;
  aaaa(name: string): Promise<TimedAddress[]>;
  srv(name: string): Promise<ServiceRecord[]>;
  /** Ends the questions that are open. */
  cancel(): void;
}

const TIMEOUT_MS = 2_000;
const TRIES = 2;

/** `servers`: `ADDRESS` or `ADDRESS:PORT`; by default those of /etc/resolv.conf. /etc/hosts is not read. */
export function nodeResolver(servers?: readonly string[]): DnsResolver {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  if (servers) resolver.setServers(servers);
  return {
    a: (name) => resolver.resolve4(name, { ttl: true }),
    aaaa: (name) => resolver.resolve6(name, { ttl: true }),
    srv: (name) => resolver.resolveSrv(name),
    cancel: () => resolver.cancel(),
  };
}
