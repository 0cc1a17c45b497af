/** What `tunvs fleet` reads of a fleet, and the wishes that it writes there. */
import { hostname, userInfo } from 'node:os';
import type { FleetView } from '../../fleet/overview.js';
import { printableMembers } from '../../values/printable.js';
import type { Etcd } from '../etcd-options.js';

export interface Wishes {
  read(signal?: AbortSignal): Promise<FleetView>;
  /** `sinceMs` is when it was wished first. */
  drain(member: string, sinceMs: number, signal?: AbortSignal): Promise<void>;
  /** Returns whether there was a wish. */
  undrain(member: string, signal?: AbortSignal): Promise<boolean>;
}

export async function wishesOf({ client, layout }: Etcd): Promise<Wishes> {
  const [{ fleetView }, { below }] = await Promise.all([
    import('../../fleet/overview.js'),
    import('../../fleet/etcd/client.js'),
  ]);
  return {
    async read(signal) {
      const [states, drains] = await Promise.all([
        client.readAll(below(layout.states), signal),
        client.readAll(below(layout.drains), signal),
      ]);
      return printableMembers(fleetView(layout, states, drains.kvs));
    },
    async drain(member, sinceMs, signal) {
      const value = JSON.stringify({ sinceMs, by: `${userInfo().username}@${hostname()}` });
      await client.put(layout.drain(member), value, signal && { signal });
    },
    undrain: async (member, signal) => (await client.delete({ key: layout.drain(member) }, signal)) > 0,
  };
}
