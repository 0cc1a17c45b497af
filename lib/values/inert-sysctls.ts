/** Says which of IPVS's sysctls have no effect here or are refused, and why. */
import { native } from '../native/addon.js';

/** Returns one sentence about a sysctl that has no effect, undefined for one that has. */
export function inertSysctlWarning(name: string): string | undefined {
  const why = native.inertSysctls[name];
  return why === undefined ? undefined : `net.ipv4.vs.${name} has no effect here: ${why}`;
}

/** A kernel that has one of these would do what this director cannot do, or has no number to set. */
const REFUSED = new Map([
  ['cache_bypass', 'the director cannot send packets that no real server takes to their own destination'],
  ['est_cpulist', 'it is not a number, and would have no effect here'],
]);

/** Returns one sentence about a sysctl of IPVS that is refused, undefined for any other name. */
export function refusedSysctl(name: string): string | undefined {
  const why = REFUSED.get(name);
  return why === undefined ? undefined : `net.ipv4.vs.${name} is refused: ${why}; leave it out`;
}
