/** The addresses for which the host answers ARP and neighbour solicitations in the place of others. */
import { type AddressFamily, canonicalAddress } from '../values/inet.js';
import { askJson } from './ask.js';
import { ipJson } from './family.js';
import type { Host } from './host.js';
import { type Kept, keptFor } from './one-moment.js';
import { ROUTE_PROTOCOL } from './route-protocol.js';

interface ProxyRow {
  dst: string;
  dev?: string;
  protocol?: string;
}

type Owners = ReadonlyMap<string, 'ours' | 'others'>;

const known: Kept<AddressFamily, Owners> = new WeakMap();

/** Returns the owner of the proxy entry for `address` on a device, undefined when there is none. */
export function proxyOwner(
  host: Host,
  family: AddressFamily,
  address: string,
  device: string,
): 'ours' | 'others' | undefined {
  return keptFor(known, host, family, () => read(host, family)).get(`${address} ${device}`);
}

function read(host: Host, family: AddressFamily): Owners {
  const rows = askJson<ProxyRow>(host, ipJson(family, 'neigh', 'show', 'proxy'));
  return new Map(
    rows.map(({ dst, dev, protocol }) => [
      `${family === 4 ? dst : (canonicalAddress(dst) ?? dst)} ${dev}`,
      protocol === ROUTE_PROTOCOL ? 'ours' : 'others',
    ]),
  );
}
