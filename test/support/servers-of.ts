/** Where an offline director sends new connections. */
import type { OfflineDirector } from '../../lib/index.js';
import { readOuter, tcp } from './packets.js';

/** Their service. */
const VIP = '192.0.2.1';

let nextPort = 1024;

/** Returns how many of `count` new connections each real server gets, by its address. */
export function serversOf(director: OfflineDirector, count = 12): Record<string, number> {
  const packets = Array.from({ length: count }, () => tcp({ from: `198.51.100.1:${nextPort++}`, to: `${VIP}:80` }));
  const counts: Record<string, number> = {};
  for (const { data } of director.process(packets, 0).outputs) {
    const { destination } = readOuter(data);
    counts[destination] = (counts[destination] ?? 0) + 1;
  }
  return counts;
}
