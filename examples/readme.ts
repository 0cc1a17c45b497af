/**
 * Shows the program of README.md: a director with one virtual service and two real servers, which prints their rates
 * every second. It needs root, and ends with Ctrl-C.
 *
 *     node dist/examples/readme.js
 */
import { Director } from 'tunvs';

const director = await Director.open({ source: '10.2.0.2' });
const web = director.addVirtualService({ protocol: 'tcp', address: '10.9.9.9', port: 80, scheduler: 'wlc' });
web.addRealServer({ address: '10.3.0.11', weight: 3 });
web.addRealServer({ address: '10.3.0.12', weight: 1 });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => director.close());

for await (const { services } of director.watch({ intervalMs: 1000 })) {
  for (const { address, activeConnections, rates } of services[0]?.servers ?? []) {
    console.log(`${address}: ${activeConnections} active, ${rates.inPackets.toFixed(0)} packets/s`);
  }
}
