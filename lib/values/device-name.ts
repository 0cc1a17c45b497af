/** Names of network interfaces, as the kernel takes them. */
import { refuse } from './options.js';

/**
 * The kernel's own rules (dev_valid_name); it replaces one `%d` by a number and takes no other `%` (dev_alloc_name).
 */
export function deviceNameOption(name: string, value: unknown): string {
  const isValid =
    typeof value === 'string' &&
    /^[^\s/:]+$/.test(value) &&
    /^[^%]*(%d[^%]*)?$/.test(value) &&
    Buffer.byteLength(value) <= 15 &&
    !/^\.\.?$/.test(value);
  const expected = 'an interface name of 1 to 15 bytes without spaces, "/" and ":", and without "%" but for one "%d"';
  return isValid ? value : refuse(name, value, expected);
}
