/** Names of network interfaces, as the kernel takes them. */
import { refuse } from './options.js';

/**
 * The kernel's own rules (dev_valid_name); it replaces one `%d` by a number and takes no other `%` (dev_alloc_name).
 */
export function deviceNameOption(name: string, value: unknown): string {
  const isValid = typeof value === 'string' && /^[^%]*(%d[^%]*)?$/.test(value) && isDeviceName(value);
  const expected = 'an interface name of 1 to 15 bytes without spaces, "/" and ":", and without "%" but for one "%d"';
  return isValid ? value : refuse(name, value, expected);
}

/** Tells whether the kernel allows an interface of this name. */
export function isDeviceName(text: string): boolean {
  return /^[^\s/:]+$/.test(text) && Buffer.byteLength(text) <= 15 && !/^\.\.?$/.test(text);
}
