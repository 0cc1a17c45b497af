/** What an open director found on its host. */
import { networkInterfaces } from 'node:os';
import type { Egress } from '../values/egress.js';
import { addressFamily, canonicalAddress } from '../values/inet.js';
import type { NativeStarted } from '../native/engine.js';
import { isSourceRange } from '../values/source.js';

/** What is read from it carries a firewall mark. */
export interface MarkDevice {
  /** Name of the interface. */
  name: string;
  mark: number;
  /** It was there before, and stays. */
  attached: boolean;
}

/** How `Director.open` found the device and the egress. */
export interface DirectorDevice {
  /** Name of the interface. */
  name: string;
  /** It was there before, and stays. */
  attached: boolean;
  egress: Egress;
  /** Why each egress that 'auto' passed over was not taken. */
  passedOver: { egress: string; reason: string }[];
}

export function directorDevice({ device, attached, egress, passedOver }: NativeStarted): DirectorDevice {
  return { name: device, attached, egress: egress as Egress, passedOver };
}

/** `marks`: the devices of marks, in the order in which they were to be opened. */
export function markDevices({ markDevices: devices }: NativeStarted, marks: readonly number[]): MarkDevice[] {
  return devices.map(({ name, attached }, index) => ({ name, mark: marks[index] ?? 0, attached }));
}

/**
 * Returns a sentence for each source that the host does not have. A range is routed to the device, not added to the
 * host.
 */
export function sourceWarnings(sources: readonly string[], interfaces = networkInterfaces()): string[] {
  const entries = Object.values(interfaces).flatMap((each) => each ?? []);
  const local = new Set(entries.map((entry) => canonicalAddress(entry.address)));
  return sources.filter((source) => !isSourceRange(source) && !local.has(source)).map(warning);
}

function warning(source: string): string {
  const prefixLength = addressFamily(source) === 6 ? 128 : 32;
  return (
    `source ${source} is not an address of this host, so ICMP errors about tunnel packets will not come back: ` +
    `add it with "ip address add ${source}/${prefixLength} dev lo", or name another source`
  );
}
