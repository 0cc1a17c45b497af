/**
 * Tries a configuration out on a director without a device, and finds all mistakes at once, before the director that
 * carries packets is touched.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { OfflineDirector } from '../../director/director.js';
import { rehearsalDirector, type Rehearsed } from '../../director/rehearsal.js';
import type { VirtualServiceOptions } from '../../director/service-options.js';
import type { Policy } from '../../policy/policy.js';
import { heldBy, nameOfService, type Wanted } from '../../rules/wanted.js';
import { formatEndpoint } from '../../values/inet.js';
import { checkedServiceKey, type ServiceIdentity, serviceName } from '../../values/service-key.js';
import type { TunvsError } from '../../values/errors.js';
import type { Origin } from '../spec.js';
import type { Desired, DesiredService } from './desired.js';
import type { ConcreteServer } from './expand.js';

/** One mistake of a spec. */
export interface SpecMistake {
  /** Says where it is, as in `services[0].servers[1]`. */
  path: string;
  /** Says what is wrong and how to mend it. */
  message: string;
  /** Names the file that says it, where that is known. */
  origin?: Origin;
}

export interface ConcreteService extends Pick<DesiredService, 'path' | 'key' | 'settings'> {
  policy: Policy | null;
  servers: ConcreteServer[];
}

export interface Concrete extends Omit<Desired, 'services'> {
  services: ConcreteService[];
}

export interface Rehearsal {
  wanted: Wanted;
  mistakes: SpecMistake[];
  /** Sentences about servers that DNS named and the director refuses. */
  notices: string[];
}

/** Other work goes on after so many servers. */
const SERVERS_A_TURN = 500;

export async function rehearseSpec(concrete: Concrete, on: Rehearsed): Promise<Rehearsal> {
  await using director = rehearsalDirector(on.sources, undefined, on.fullNat ?? null);
  const found: Found = { mistakes: [], notices: [] };
  for (const batch of batches(concrete.services)) {
    addServices(director, batch, found);
    await nextTurn();
  }
  attempt(found, 'marks', () => director.setMarks(concrete.marks));
  attempt(found, 'timeouts', () => director.setTimeouts(concrete.timeouts));
  for (const [name, value] of Object.entries(concrete.sysctls))
    attempt(found, `sysctls.${name}`, () => director.setSysctl(name, value));
  const policies = new Map(
    concrete.services.map(({ key, policy }) => {
      const identity = identityOf(key);
      return [identity && serviceName(identity), policy];
    }),
  );
  const held = heldBy(director);
  await nextTurn();
  const services = held.services.map((service) => ({
    ...service,
    settings: { ...service.settings, policy: policies.get(nameOfService(service)) ?? null },
  }));
  return { wanted: { ...held, services }, ...found };
}

type Found = Pick<Rehearsal, 'mistakes' | 'notices'>;

function attempt({ mistakes }: Found, path: string, step: () => void): void {
  try {
    step();
  } catch (error) {
    mistakes.push({ path, message: sentenceOf(error) });
  }
}

/** The engine refuses some services only when they come into force, all of them with the one at fault. */
function addServices(director: OfflineDirector, services: readonly ConcreteService[], found: Found): void {
  const together: Found = { mistakes: [], notices: [] };
  try {
    director.transaction(() => {
      for (const service of services) attempt(together, service.path, () => addService(director, service, together));
    });
    found.mistakes.push(...together.mistakes);
    found.notices.push(...together.notices);
  } catch {
    // Each by itself says it again, with its own path.
    for (const service of services)
      attempt(found, service.path, () => director.transaction(() => addService(director, service, found)));
  }
}

function addService(director: OfflineDirector, { key, settings, servers }: ConcreteService, found: Found): void {
  const service = director.addVirtualService({ ...key, ...settings } as VirtualServiceOptions);
  for (const { path, options, dns } of servers) {
    if (dns === undefined) attempt(found, path, () => void service.addRealServer(options));
    else addNamed(() => void service.addRealServer(options), `${dns}: ${written(options)}`, found);
  }
}

/** Two names may stand for one server, which is as the first says then. */
function addNamed(add: () => void, name: string, { notices }: Found): void {
  try {
    add();
  } catch (error) {
    if ((error as TunvsError).code === 'ERR_TUNVS_EXISTS') return;
    notices.push(`${name} is left out: ${sentenceOf(error)}`);
  }
}

function identityOf(key: DesiredService['key']): ServiceIdentity | undefined {
  try {
    return checkedServiceKey('service', key);
  } catch {
    // Adding the service has said what is wrong with its key.
    return undefined;
  }
}

const written = ({ address, port }: { address: string; port?: number }) =>
  port === undefined ? address : formatEndpoint({ address, port });

function* batches(services: readonly ConcreteService[]): Generator<ConcreteService[]> {
  let batch: ConcreteService[] = [];
  let size = 0;
  for (const service of services) {
    batch.push(service);
    size += 1 + service.servers.length;
    if (size < SERVERS_A_TURN) continue;
    yield batch;
    [batch, size] = [[], 0];
  }
  if (batch.length > 0) yield batch;
}

function sentenceOf(error: unknown): string {
  return (error as Error).message.replace(/^[\w.]+: /, '');
}
