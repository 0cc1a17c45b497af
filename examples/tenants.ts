/**
 * Shows tenants by client prefix: a connection policy sends each network's connections to real servers of its own, and
 * leaves all others to the scheduler. The director is offline, so that this needs no device and no privilege; with a
 * device the service is the same.
 *
 *     node dist/examples/tenants.js
 */
import { BlockList, isIPv6 } from 'node:net';
import { connectionPolicy, Director } from 'tunvs';
import { destination, syn } from './packets.js';

const TENANTS = [
  { network: '10.20.0.0', prefix: 16, servers: ['10.3.0.11'] },
  { network: '10.30.0.0', prefix: 16, servers: ['10.3.0.12', '10.3.0.13'] },
].map(({ network, prefix, servers }) => {
  const clients = new BlockList();
  clients.addSubnet(network, prefix);
  return { clients, servers };
});

const byTenant = connectionPolicy(
  ({ clientAddress, clientPort, servers }) => {
    const family = isIPv6(clientAddress) ? 'ipv6' : 'ipv4';
    const tenant = TENANTS.find(({ clients }) => clients.check(clientAddress, family));
    const own = servers.filter(({ address }) => tenant?.servers.includes(address));
    return own[clientPort % own.length];
  },
  { name: 'by tenant' },
);

await using director = Director.offline({ source: '10.2.0.2', seed: 1 });
const web = director.addVirtualService({
  protocol: 'tcp',
  address: '10.9.9.9',
  port: 80,
  scheduler: 'rr',
  policy: byTenant,
});
for (const last of [11, 12, 13, 14]) web.addRealServer({ address: `10.3.0.${last}` });

for (const client of ['10.20.1.1', '10.30.1.1', '192.0.2.7']) {
  const packets = Array.from({ length: 4 }, (_, index) => syn(`${client}:${40_000 + index}`));
  const went = director.process(packets, 0).outputs.map(({ data }) => destination(data));
  console.log(`${client} went to ${went.join(', ')}`);
}
console.log(`asked ${web.policy?.counters.asked} times`);
