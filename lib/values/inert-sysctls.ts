/** Says which of IPVS's sysctls have no effect here, and why. */
import { native } from '../native/addon.js';

/** Returns one sentence about a sysctl that has no effect, undefined for one that has. */
export function inertSysctlWarning(name: string): string | undefined {
  const why = native.inertSysctls[name];
  return why === undefined ? undefined : `net.ipv4.vs.${name} has no effect here: ${why}`;
}
