/**
 * Shows a canary: a table policy gives a new release a percentage of all clients. As the percentage rises, more clients
 * come, and none of those that came before goes back. The native part looks connections up in the table, so that none
 * waits. The director is offline, so that this needs no device and no privilege.
 *
 *     node dist/examples/canary.js [PERCENT ...]
 */
import { Director, type PolicyServer, tablePolicy } from 'tunvs';
import { destination, syn } from './packets.js';

const percentages = process.argv.slice(2).map(Number);
const CANARY = '10.3.0.20';
const CLIENTS = 2000;
const SLOTS = 10_000;

let percent = 0;

/** The first slots are the canary's; the others take their turns, which do not depend on how many those are. */
function canary(servers: PolicyServer[], { size }: { size: number }): Uint16Array {
  const isCanary = ({ address }: PolicyServer) => address === CANARY;
  const first = servers.findIndex(isCanary);
  const others = [...servers.keys()].filter((index) => index !== first);
  return Uint16Array.from({ length: size }, (_, slot) => {
    if (first >= 0 && slot < (size * percent) / 100) return first;
    return others[slot % others.length] ?? first;
  });
}

await using director = Director.offline({ source: '10.2.0.2', seed: 1 });
const policy = tablePolicy(canary, { size: SLOTS });
const web = director.addVirtualService({ protocol: 'tcp', address: '10.9.9.9', port: 80, scheduler: 'maglev', policy });
for (const address of ['10.3.0.11', '10.3.0.12', CANARY]) web.addRealServer({ address });

/** Who comes to the canary now; each round of clients has ports of its own, so that all connections are new. */
function whoComes(round: number): Set<number> {
  const packets = Array.from({ length: CLIENTS }, (_, i) => syn(`10.1.${i >> 8}.${i & 255}:${40_000 + round}`));
  const { outputs } = director.process(packets, round * 1000);
  return new Set(outputs.filter(({ data }) => destination(data) === CANARY).map(({ cause }) => cause));
}

let before = new Set<number>();
for (const [round, next] of (percentages.length > 0 ? percentages : [0, 5, 25]).entries()) {
  percent = next;
  await web.policy?.refresh();
  const now = whoComes(round);
  const stayed = [...before].filter((client) => now.has(client)).length;
  console.log(`${next} %: ${now.size} of ${CLIENTS} clients, ${stayed} of ${before.size} from before`);
  before = now;
}
