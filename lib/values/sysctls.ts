/** What is said about IPVS's sysctls beyond their values. */
import { native } from '../native/addon.js';

const DEFENCES: readonly string[] = ['drop_entry', 'drop_packet', 'secure_tcp'];
const AUTOMATIC: readonly number[] = [1, 2];

/** One sentence about a sysctl that has no effect; undefined for those that have one. */
export function inertSysctlWarning(name: string): string | undefined {
  const why = native.inertSysctls[name];
  return why === undefined ? undefined : `net.ipv4.vs.${name} has no effect here: ${why}`;
}

/** Whether two values ask for the same: an automatic defence reads 1 or 2, as memory has it. */
export function isSameSysctl(name: string, value: number | undefined, other: number | undefined): boolean {
  if (value === other) return true;
  if (value === undefined || other === undefined) return false;
  return DEFENCES.includes(name) && AUTOMATIC.includes(value) && AUTOMATIC.includes(other);
}
