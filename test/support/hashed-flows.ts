/** Which real server a scheduler that hashes names for each of many flows, asked of an offline director. */
import { Director } from '../../lib/director/director.js';
import { flowName } from './asked-director.js';
import { PORT } from './lab.js';
import { tcp } from './packets.js';
import type { SteadyEnd } from './steady.js';

export type HashingScheduler = 'maglev' | 'rendezvous';

/** By the name of the flow. */
export async function serversByHash(
  scheduler: HashingScheduler,
  virtualAddress: string,
  servers: readonly string[],
  ends: readonly SteadyEnd[],
): Promise<Map<string, string>> {
  await using director = Director.offline({ source: '10.2.0.2', maxConnections: 65536, seed: 1 });
  const service = director.addVirtualService({
    ...{ protocol: 'tcp', address: virtualAddress, port: PORT },
    ...{ scheduler, schedulerFlags: [`${scheduler}-port` as const] },
  });
  director.transaction(() => {
    for (const address of servers) service.addRealServer({ address });
  });
  const names = ends.map(flowName);
  const packets = names.map((from) => tcp({ from, to: `${virtualAddress}:${PORT}`, flags: 'S' }));
  const { outputs } = director.process(packets, 0);
  // The outer header's destination.
  return new Map(outputs.map(({ data, cause }) => [names[cause] as string, data.subarray(16, 20).join('.')]));
}
