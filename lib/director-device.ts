/** What an open director found on its host. */
import { networkInterfaces } from 'node:os';
import type { Egress } from './egress.js';
import { addressFamily, canonicalAddress } from './inet.js';
import type { NativeStarted } from './native.js';
import { isSourceRange } from './source.js';

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

/** A sentence for each source that is no address of this host; a range is routed to the device, not added to the host. */
export function sourceWarnings(sources: readonly string[], interfaces = networkInterfaces()): string[] {
  const entries = Object.values(interfaces).flatMap((each) => each ?? []);
  const local = new Set(entries.map((entry) => canonicalAddress(entry.address)));
  return sources.filter((source) => !isSourceRange(source) && !local.has(source)).map(warning);
}

function warning(source: string): string {
  const prefixLength = addressFamily(source) === 6 ? 128 : 32;
  return (
    `source ${source} is no address of this host, so ICMP errors about tunnel packets will not come back: ` +
    `add it with "ip address add ${source}/${prefixLength} dev lo", or name another source`
  );
}
