/** What `tunvs health` shows of what a director knows, and whether all of that is well. */
import { parseServiceId } from '../../control/resource/service-id.js';
import type { HealthOverview } from '../../control/schema/health.js';
import { TunvsError } from '../../values/errors.js';
import { serviceName } from '../../values/service-key.js';
import { UsageError } from '../verb.js';
import { count } from '../words.js';

type ServiceLine = HealthOverview['services'][number];
type ServerLine = ServiceLine['servers'][number];

/** Not all is well, and --exit-code asked for that. The message is one sentence. */
export class Unwell extends Error {
  readonly code = 'UNWELL';
}

/** Says whether the checks of a server keep it from new connections. A sorry server stands in, and is no part of them. */
export function isOut({ state, isSorry }: ServerLine): boolean {
  return !isSorry && (state === 'down' || state === 'held' || state === 'starting');
}

/** Returns the name by which a director lists the service that `--service` names. Throws a UsageError. */
export function serviceArgument(text: string): string {
  try {
    return serviceName(parseServiceId(text));
  } catch (error) {
    throw new UsageError(`--service: ${(error as Error).message}`);
  }
}

/** Leaves the service of that name. Throws a TunvsError when the director checks no such service. */
export function ofService({ services }: HealthOverview, name: string): HealthOverview {
  const found = services.filter((service) => service.name === name);
  if (found.length > 0) return { services: found };
  const sentence = `the director checks no servers of ${name}: see "tunvs health" for the services that it checks`;
  throw new TunvsError('ERR_TUNVS_NOT_FOUND', sentence);
}

/** Leaves the servers that are out, and the services that have some or lack their quorum. */
export function outOf({ services }: HealthOverview): HealthOverview {
  const left = services.map((service) => ({ ...service, servers: service.servers.filter(isOut) }));
  return { services: left.filter(({ servers, isUp }) => servers.length > 0 || !isUp) };
}

/** Says what is not well, as one sentence with the mend; undefined when all is. */
export function trouble({ services }: HealthOverview): string | undefined {
  const out = services.flatMap(({ servers }) => servers.filter(isOut)).length;
  const lost = services.filter(({ isUp }) => !isUp).length;
  const said = [
    out > 0 ? `${count(out, 'real server')} ${out === 1 ? 'gets' : 'get'} no new connections` : '',
    lost > 0 ? `${count(lost, 'service')} ${lost === 1 ? 'lacks its' : 'lack their'} quorum` : '',
  ].filter((each) => each !== '');
  return said.length === 0 ? undefined : `${said.join(', and ')}: mend what "tunvs health --down" names`;
}
