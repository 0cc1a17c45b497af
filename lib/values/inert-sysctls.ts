/** What is said about IPVS's sysctls that have no effect here. */
import { native } from '../native/addon.js';

/** One sentence about a sysctl that has no effect; undefined for those that have one. */
export function inertSysctlWarning(name: string): string | undefined {
  const why = native.inertSysctls[name];
  return why === undefined ? undefined : `net.ipv4.vs.${name} has no effect here: ${why}`;
}
