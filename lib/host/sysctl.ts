/** Steps that change a file below /proc/sys; there are none where it holds the value already. */
import { isOurs } from './holds/holder.js';
import type { Host } from './host.js';
import type { HostStep } from './step.js';

/**
 * Sets `path` to `value`. The undo brings the old value back unless somebody has changed it since. Where tunvs has
 * given it this value already, for another holder, this step holds it as well.
 */
export function setSysctl(host: Host, path: string, value: string, description: string): HostStep[] {
  const before = host.readSysctl(path);
  const command = { write: path, value };
  if (before === undefined) return [{ description, command }];
  const undo = { write: path, value: before, onlyIf: value };
  return before === value && !isOurs(host, undo) ? [] : [{ description, command, undo }];
}

/** Does the same for a file of a device that the undo of another step removes. */
export function setDeviceSysctl(host: Host, path: string, value: string, description: string): HostStep[] {
  return setSysctl(host, path, value, description).map(({ undo: _, ...step }) => step);
}

/**
 * Returns the `rp_filter` that a tunnel device needs. The kernel uses the larger of `all` and the device's own. With
 * `all` at 0 the check is off; otherwise 2 makes it loose, which accepts any source that has a route, provided that the
 * device has an address. So `all`, which guards the other interfaces, stays as it is.
 */
export function tunnelRpFilter(host: Host): { value: '0' | '2'; needsAddress: boolean } {
  const all = host.readSysctl('net/ipv4/conf/all/rp_filter') ?? '0';
  return all === '0' ? { value: '0', needsAddress: false } : { value: '2', needsAddress: true };
}
