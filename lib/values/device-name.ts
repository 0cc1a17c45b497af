/** Names of network interfaces, as the kernel takes them. */
import { refuse } from './options.js';

/** The kernel's own rules (dev_valid_name). */
export function deviceNameOption(name: string, value: unknown): string {
  const isValid =
    typeof value === 'string' && /^[^\s/:]+$/.test(value) && Buffer.byteLength(value) <= 15 && !/^\.\.?$/.test(value);
  return isValid ? value : refuse(name, value, 'an interface name of 1 to 15 bytes without spaces, "/" and ":"');
}
