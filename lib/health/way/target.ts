/** Says what a check of a real server connects to, as the server's clients do. */
import type { ServiceIdentity } from '../../values/service-key.js';
import type { MarkRule } from '../../values/marks.js';
import { isRange, splitPrefix } from '../../values/prefix.js';
import { CheckFailure } from '../checks/check.js';

export interface CheckTarget {
  /** The virtual address (VIP). */
  address: string;
  /** [0, 65535]; 0 means that neither the service nor the server has a port of its own. */
  port: number;
  /** What the host directs to the device: the address, or a range that it lies in. */
  prefix: string;
}

export interface TargetOptions {
  /** The virtual address, for a service that has many or none. */
  virtualAddress?: string | undefined;
  /** The port, for a service that has many or none. */
  port?: number | undefined;
}

interface TargetServer {
  readonly port: number;
  readonly service: ServiceIdentity;
}

/**
 * A service by mark has the address and port of the first rule with its mark that names them; of a range, the first
 * address counts, and the first port.
 *
 * @throws CheckFailure when there is no address.
 */
export function checkTarget(
  server: TargetServer,
  marks: readonly MarkRule[],
  options: TargetOptions = {},
): CheckTarget {
  const { service } = server;
  const rule = service.mark === undefined ? undefined : ruleOf(service, marks);
  const prefix = service.mark === undefined ? service.address : rule?.destination;
  const address = options.virtualAddress ?? (prefix === undefined ? undefined : splitPrefix(prefix).base);
  if (address === undefined) {
    throw new CheckFailure('failed', `the service of mark ${service.mark} has no virtual address`, {
      mend: 'Name the virtual address that is checked, or a destination in the rule that gives packets the mark.',
    });
  }
  const port = options.port ?? (rule?.port || service.port || server.port);
  return { address, port, prefix: prefix !== undefined && isRange(prefix) ? prefix : address };
}

function ruleOf(service: ServiceIdentity, marks: readonly MarkRule[]): MarkRule | undefined {
  const is6 = service.address.includes(':');
  return marks.find(
    ({ mark, destination }) => mark === service.mark && destination !== undefined && destination.includes(':') === is6,
  );
}

/** @throws CheckFailure when the target has no port and the check names none. */
export function portOf(target: CheckTarget, asked: number | undefined): number {
  const port = asked ?? target.port;
  if (port !== 0) return port;
  throw new CheckFailure('failed', 'the service has every port, so the check has none', {
    mend: 'Name the port that is checked.',
  });
}
