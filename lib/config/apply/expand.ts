/** Puts the answers of DNS in the places of names: which of a name's servers a service gets, and which not, and why. */
import { canonicalAddress, isUnicast } from '../../values/inet.js';
import { isWithin, isRange } from '../../values/prefix.js';
import type { RealServerOptions } from '../../values/server-options.js';
import { serverPortOf } from '../../values/service-key.js';
import type { DesiredService, NamedServers } from './desired.js';
import type { DnsTarget } from './lookup.js';
import { serverWeight } from './srv.js';

export interface ConcreteServer {
  path: string;
  options: Omit<RealServerOptions, 'isUp'>;
  /** The name that stands for it; a server that the director refuses is left out then. */
  dns?: string;
}

export interface Answers {
  targets(name: string): readonly DnsTarget[];
  /** The service has the server already. */
  isThere(server: { address: string; port: number | undefined }): boolean;
  sources: readonly string[];
}

/** `notices` are sentences about answers that are left out. */
export function expandServers(
  service: DesiredService,
  answers: Answers,
): { servers: ConcreteServer[]; notices: string[] } {
  const notices: string[] = [];
  const servers = service.servers.flatMap((server): ConcreteServer[] =>
    'dns' in server ? namedServers(service, server, answers, notices) : [server],
  );
  return { servers, notices };
}

function namedServers(
  service: DesiredService,
  named: NamedServers,
  { targets, isThere, sources }: Answers,
  notices: string[],
): ConcreteServer[] {
  const { dns, path, settings, max } = named;
  const given = givenServers(service);
  const portOf = ({ port }: DnsTarget) => port ?? named.port;
  const usable = targets(dns).filter((target) => {
    const { address } = target;
    if (given.has(`${address} ${portOf(target) ?? servicePort(service)}`)) return false;
    const reason = whyNoServer(address, service, sources);
    if (reason !== undefined) notices.push(`${dns}: ${address} is left out, because it is ${reason}`);
    return reason === undefined;
  });
  const isUsed = (target: DnsTarget) => isThere({ address: target.address, port: portOf(target) });
  const chosen =
    usable.length <= max
      ? usable
      : new Set([...usable.filter(isUsed), ...usable.filter((target) => !isUsed(target))].slice(0, max));
  if (usable.length > max) notices.push(`${dns} stands for ${usable.length} servers: ${max} are taken`);
  const hasWeights = usable.some(({ weight }) => weight !== undefined && weight > 0);
  return usable
    .filter((target) => chosen === usable || (chosen as Set<DnsTarget>).has(target))
    .map((target) => {
      const port = portOf(target);
      const weight = serverWeight(target.weight, settings.weight ?? 1, hasWeights);
      return {
        path,
        dns,
        options: { ...settings, address: target.address, ...(port !== undefined && { port }), weight },
      };
    });
}

/** A server that is given by its address as well has what the configuration says of it there. */
function givenServers(service: DesiredService): Set<string> {
  const given = service.servers.filter((server) => 'options' in server);
  return new Set(
    given.map(({ options }) => `${canonicalAddress(options.address)} ${options.port ?? servicePort(service)}`),
  );
}

function servicePort({ key }: DesiredService): number {
  return 'port' in key ? serverPortOf(key) : 0;
}

function whyNoServer(address: string, { key }: DesiredService, sources: readonly string[]): string | undefined {
  if (!isUnicast(address)) return 'no unicast address';
  if (address === '::1' || address.startsWith('127.')) return 'a loopback address';
  if (sources.some((source) => (isRange(source) ? isWithin(address, source) : source === address)))
    return "the director's own source";
  if (!('address' in key)) return undefined;
  return isWithin(address, key.address) ? 'a virtual address of the service itself' : undefined;
}
