/**
 * Names the words that start a container with the sysctls it needs where /proc/sys cannot be written, as in most
 * containers.
 */
import { TunvsError } from '../values/errors.js';
import type { Host } from './host.js';
import type { HostStep } from './step.js';

/**
 * Returns `error`; where a sysctl could not be written, the words for all sysctls of `steps` that are not right yet.
 */
export function withSysctlMend(error: unknown, host: Host, steps: readonly HostStep[]): unknown {
  if (!isReadOnly(error)) return error;
  const words = steps
    .map(({ command }) => command)
    .filter((command) => 'write' in command)
    .filter(({ write, value }) => host.readSysctl(write) !== value)
    .map(({ write, value }) => `--sysctl ${nameOf(write, host)}=${value}`);
  return new TunvsError(
    'ERR_TUNVS_HOST',
    `/proc/sys is read-only here: start the container with "${[...new Set(words)].join(' ')}", or mount /proc/sys/net writable`,
    { cause: error },
  );
}

function isReadOnly(error: unknown): boolean {
  const { code } = ((error as Error)?.cause ?? {}) as { code?: string };
  return code === 'EROFS';
}

/** A device that tunvs makes begins with the values of `default`; it does not exist when the container is started. */
function nameOf(path: string, host: Host): string {
  const parts = path.split('/');
  const [, , kind, device = ''] = parts;
  const isOfDevice = kind === 'conf' || kind === 'neigh';
  if (isOfDevice && !FIXED.has(device) && !host.addresses().some(({ interfaceName }) => interfaceName === device))
    parts[3] = 'default';
  // sysctl(8) writes a dot in a device's name as a slash.
  return parts.map((part) => part.replaceAll('.', '/')).join('.');
}

const FIXED: ReadonlySet<string> = new Set(['all', 'default', 'lo']);
