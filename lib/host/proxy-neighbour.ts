/** The addresses for which the host answers ARP and neighbour solicitations in the place of others. */
import { type AddressFamily, canonicalAddress } from '../values/inet.js';
import { askJson } from './ask.js';
import { ipJson } from './family.js';
import type { Host } from './host.js';
import { isOfOneMoment } from './one-moment.js';
import { ROUTE_PROTOCOL } from './route-protocol.js';

interface ProxyRow {
  dst: string;
  dev?: string;
  protocol?: string;
}

type Owners = ReadonlyMap<string, 'ours' | 'others'>;

const known = new WeakMap<Host, Map<AddressFamily, Owners>>();

/** Returns the owner of the proxy entry for `address` on a device, undefined when there is none. */
export function proxyOwner(
  host: Host,
  family: AddressFamily,
  address: string,
  device: string,
): 'ours' | 'others' | undefined {
  return ownersOf(host, family).get(`${address} ${device}`);
}

function ownersOf(host: Host, family: AddressFamily): Owners {
  if (!isOfOneMoment(host)) return read(host, family);
  const families = known.get(host) ?? new Map<AddressFamily, Owners>();
  known.set(host, families);
  const owners = families.get(family) ?? read(host, family);
  families.set(family, owners);
  return owners;
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
