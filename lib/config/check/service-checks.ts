/** Checks services and servers as a director does, by giving them to one that has no device. */
import type { Transaction } from '../../director/configuration.js';
import type { OfflineDirector } from '../../director/director.js';
import type { VirtualServiceOptions } from '../../director/service-options.js';
import type { VirtualService } from '../../director/virtual-service.js';
import { traitsOf } from '../../values/forwarding-method.js';
import { onePacketWarning } from '../../values/scheduler.js';
import { checkedServerKey, serverName } from '../../values/server-options.js';
import { prefixFamily } from '../../values/prefix.js';
import {
  checkedServiceKey,
  type ServiceIdentity,
  serverPortOf,
  serviceName,
  type VirtualServiceKey,
} from '../../values/service-key.js';
import { serverOptionsOf, serviceKeyOf, serviceSettingsOf } from '../library-options.js';
import type { Path } from '../mistake.js';
import type { ServerSpec, ServiceSpec } from '../spec.js';
import type { Finding } from './issues.js';
import { allRefused, locate, type Refusal, refused } from './refusal.js';

/** A service of a file, with the servers that the schema accepted. */
export interface ServicePart {
  index: number;
  service: ServiceSpec;
  servers: { index: number; server: ServerSpec }[];
}

export interface ServiceChecks {
  director: OfflineDirector;
  /** The families that the director has a source of. */
  families: readonly (4 | 6)[];
  /** Says where a path stands, as FILE:LINE. */
  placed(path: Path): string;
}

/** Returns what is wrong; the addresses of what is right become canonical. */
export function serviceFindings(
  parts: readonly ServicePart[],
  checks: ServiceChecks,
): { findings: Finding[]; warnings: Finding[] } {
  const findings: Finding[] = [];
  const warnings = parts.flatMap(warningsOf);
  const named = unique(parts, checks, findings);
  // One change of all services is quick; when the native part refuses it, each by itself says which one it is, and then
  // each server by itself.
  const together = refused(() =>
    checks.director.transaction((transaction) => {
      for (const part of named) for (const each of added(transaction, part, checks)) findings.push(each);
    }),
  );
  if (together === undefined) return { findings, warnings };
  const textOf = ({ path, message }: Finding) => `${path.join(' ')} ${message}`;
  const known = new Set(findings.map(textOf));
  for (const part of named)
    for (const finding of foundAlone(part, checks)) if (!known.has(textOf(finding))) findings.push(finding);
  // Whatever a director refuses is a mistake, even if no part of it is one by itself.
  const { message, mend } = together;
  if (findings.length === 0) findings.push({ path: ['services'], message, mend });
  return { findings, warnings };
}

/** Returns what a director says of the service by itself, or of its servers when it says nothing of that. */
function foundAlone(part: NamedPart, { director, families }: ServiceChecks): Finding[] {
  const { index, service, identity } = part;
  const path = ['services', index];
  const alone = (settings: object, then: (target: VirtualService) => void = () => {}) =>
    director.transaction((transaction) => {
      transaction.clear();
      then(addTo(transaction, part, settings));
    });
  const settings = serviceSettingsOf(service);
  const ofService = allRefused(settings, (left) => alone(left)).map((refusal) => of(path, service, refusal));
  if (ofService.length > 0) return ofService;
  return serversOf(part).flatMap(({ at, server }) => {
    if (serverForm(server, at) !== undefined) return [];
    const options = serverOptionsOf({ ...server, address: addressOf(server, identity, families) });
    const refusal = refused(() => alone(settings, (target) => target.addRealServer(options)));
    return refusal === undefined ? [] : [of(at, server, refusal)];
  });
}

/** The servers of the service and those that stand in for them, each with its place. */
function serversOf({ index, service, servers }: ServicePart): { at: Path; server: ServerSpec }[] {
  const path = ['services', index];
  return [
    ...servers.map(({ index: at, server }) => ({ at: [...path, 'servers', at], server })),
    ...(service.sorryServers ?? []).map((server, at) => ({ at: [...path, 'sorryServers', at], server })),
  ];
}

interface NamedPart extends ServicePart {
  identity: ServiceIdentity;
}

/** Returns the services that have a name, and none before them. */
function unique(parts: readonly ServicePart[], { placed }: ServiceChecks, findings: Finding[]): NamedPart[] {
  const before = new Map<string, Path>();
  return parts.flatMap((part) => {
    const path = ['services', part.index];
    const { service } = part;
    let identity: ServiceIdentity | undefined;
    const key = serviceKeyOf(service);
    const both = service.mark === undefined ? undefined : otherName(service);
    if (both !== undefined) {
      findings.push({ path: [...path, both], message: `it cannot stand beside mark`, mend: 'write one of them' });
      return [];
    }
    const isNameless = ['protocol', 'address', 'port'].every((name) => service[name as 'port'] === undefined);
    if (service.mark === undefined && isNameless) {
      findings.push({
        path,
        message: 'the service has no name',
        mend: 'write listen, as in tcp 192.0.2.1:80, or protocol, address and port, or mark',
      });
      return [];
    }
    const refusals = allRefused({ ...key }, (left) => {
      identity = checkedServiceKey('service', left as VirtualServiceKey);
    });
    for (const each of refusals.map((refusal) => of(path, service, refusal))) findings.push(each);
    if (refusals.length > 0 || identity === undefined) return [];
    const name = serviceName(identity);
    const first = before.get(name);
    if (first !== undefined) {
      const message = `the service ${name} is configured already, at ${placed(first)}`;
      findings.push({ path, message, mend: 'keep one of them, with the servers of both' });
      return [];
    }
    before.set(name, path);
    if (service.mark === undefined) service.address = identity.address;
    return [{ ...part, identity }];
  });
}

const otherName = (service: ServiceSpec) =>
  (['protocol', 'address', 'port', 'lastPort'] as const).find((name) => service[name] !== undefined);

function of(path: Path, given: object, { option, message, mend }: Refusal): Finding {
  return { path: [...path, ...locate(option, given)], message, mend };
}

function addTo(transaction: Transaction, { service }: ServicePart, settings: object): VirtualService {
  return transaction.addVirtualService({ ...serviceKeyOf(service), ...settings } as VirtualServiceOptions);
}

function added(transaction: Transaction, part: NamedPart, checks: ServiceChecks): Finding[] {
  const { index, service, identity } = part;
  const path = ['services', index];
  let target: VirtualService | undefined;
  const findings = allRefused(serviceSettingsOf(service), (left) => {
    target = addTo(transaction, part, left);
  }).map((refusal) => of(path, service, refusal));
  const before = new Map<string, Path>();
  for (const { at: serverPath, server } of serversOf(part)) {
    const found = serverForm(server, serverPath) ?? repeated(server, serverPath, identity, before, checks);
    if (found !== undefined) findings.push(found);
    else if (target !== undefined)
      for (const each of serverFindings(target, server, serverPath, identity, checks)) findings.push(each);
  }
  return findings;
}

/** Says what is wrong with the fields that go together. */
function serverForm({ address, dns, refresh, max }: ServerSpec, path: Path): Finding | undefined {
  if (address === undefined && dns === undefined)
    return { path, message: 'the server has no address', mend: 'write address, or dns' };
  if (address !== undefined && dns !== undefined)
    return { path: [...path, 'dns'], message: 'it cannot stand beside address', mend: 'write one of them' };
  if (refresh !== undefined && dns === undefined)
    return { path: [...path, 'refresh'], message: 'an address is not looked up', mend: 'leave it out, or write dns' };
  if (max !== undefined && dns === undefined)
    return { path: [...path, 'max'], message: 'an address is one server', mend: 'leave it out, or write dns' };
  return undefined;
}

function repeated(
  server: ServerSpec,
  path: Path,
  identity: ServiceIdentity,
  before: Map<string, Path>,
  { placed }: ServiceChecks,
): Finding | undefined {
  let name = `dns ${server.dns?.toLowerCase()}:${server.port ?? ''}`;
  if (server.address !== undefined) {
    const { address, port } = server;
    const refusal = refused(() => {
      const key = checkedServerKey('server', { address, ...(port !== undefined && { port }) }, serverPortOf(identity));
      server.address = key.address;
      name = serverName(key);
    });
    if (refusal) return of(path, server, refusal);
  }
  const first = before.get(name);
  if (first === undefined) {
    before.set(name, path);
    return undefined;
  }
  return {
    path,
    message: `the real server ${name} is configured already, at ${placed(first)}`,
    mend: 'keep one of them',
  };
}

function serverFindings(
  target: VirtualService,
  server: ServerSpec,
  path: Path,
  identity: ServiceIdentity,
  { families }: ServiceChecks,
): Finding[] {
  const stand = addressOf(server, identity, families);
  return allRefused(serverOptionsOf({ ...server, address: stand }), (left) => {
    target.realServer({ address: stand, port: left.port ?? serverPortOf(identity) })?.delete();
    target.addRealServer(left);
  }).map((refusal) => of(path, server, refusal));
}

/** The addresses of a name are not known yet; any of a family that fits has to do. */
function addressOf(server: ServerSpec, identity: ServiceIdentity, families: ServiceChecks['families']): string {
  const own = prefixFamily(identity.address);
  const family =
    (server.forwarding !== undefined && !traitsOf(server.forwarding).needsSource) || families.includes(own)
      ? own
      : (families[0] ?? own);
  return server.address ?? (family === 4 ? '198.18.0.1' : '2001:db8:fffe::1');
}

function warningsOf({ index, service }: ServicePart): Finding[] {
  const { scheduler = 'wlc', onePacket, persistence } = service;
  const message = onePacket && !persistence ? onePacketWarning(scheduler) : undefined;
  if (message === undefined) return [];
  const [what, mend] = message.split(/: (?=choose )/) as [string, string];
  const field = service.scheduler === undefined ? 'onePacket' : 'scheduler';
  return [{ path: ['services', index, field], message: what, mend }];
}
