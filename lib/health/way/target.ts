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
 * What is missing is missing in the configuration, so it says nothing of the server.
 *
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
  const { rule, prefix } = asked(service, marks);
  const address = options.virtualAddress ?? (prefix === undefined ? undefined : splitPrefix(prefix).base);
  if (address === undefined) {
    throw new CheckFailure('failed', `the service of mark ${service.mark} has no virtual address`, {
      mend: 'Name the virtual address that is checked, or a destination in the rule that gives packets the mark.',
      isOwnFault: true,
    });
  }
  const port = options.port ?? (rule?.port || portIn(service) || server.port);
  return { address, port, prefix: prefix !== undefined && isRange(prefix) ? prefix : address };
}

/** Whether nothing says which virtual address of the service its checks connect to. */
export const lacksVirtualAddress = (service: ServiceIdentity, marks: readonly MarkRule[]): boolean =>
  asked(service, marks).prefix === undefined;

function asked(service: ServiceIdentity, marks: readonly MarkRule[]) {
  if (service.mark === undefined) return { rule: undefined, prefix: service.address };
  const rule = ruleOf(service, marks);
  return { rule, prefix: rule?.destination };
}

/** Returns the port of a real server by its own address; 0 when neither it nor its service has one of its own. */
export const ownPort = ({ port, service }: TargetServer): number => port || portIn(service);

/** Returns 0 when the service has every port. */
const portIn = ({ port, lastPort }: ServiceIdentity) => (port === 1 && lastPort === 65_535 ? 0 : port);

function ruleOf(service: ServiceIdentity, marks: readonly MarkRule[]): MarkRule | undefined {
  const is6 = service.address.includes(':');
  return marks.find(
    ({ mark, destination }) => mark === service.mark && destination !== undefined && destination.includes(':') === is6,
  );
}

/** @throws CheckFailure when the target has no port and the check names none. */
export function portOf(target: Pick<CheckTarget, 'port'>, asked: number | undefined): number {
  const port = asked ?? target.port;
  if (port !== 0) return port;
  throw new CheckFailure('failed', 'the service has every port, so the check has none', {
    mend: 'Name the port that is checked.',
    isOwnFault: true,
  });
}
