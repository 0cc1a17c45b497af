/**
 * Shows a program that carries its own director: two real servers share one address, and the second has twice the
 * weight. It prints their rates every second. It needs root, and ends with Ctrl-C.
 *
 *     node dist/examples/embed-director.js DIP VIP RIP1 RIP2
 */
import { Director } from 'tunvs';

const [source = '10.2.0.2', virtualAddress = '10.9.9.9', first = '10.3.0.11', second = '10.3.0.12'] =
  process.argv.slice(2);

const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ending.abort());

const director = await Director.open({ source });
try {
  const web = director.addVirtualService({ protocol: 'tcp', address: virtualAddress, port: 80, scheduler: 'wrr' });
  web.addRealServer({ address: first, weight: 1 });
  web.addRealServer({ address: second, weight: 2 });
  console.log(`directing ${virtualAddress}:80 on ${director.device?.name}`);

  for await (const { services } of director.watch({ intervalMs: 1000, signal: ending.signal })) {
    for (const { address, activeConnections, rates } of services[0]?.servers ?? []) {
      console.log(
        `${address}: ${activeConnections} active, ${rates.connections.toFixed(0)} new/s, ${rates.inPackets.toFixed(0)} packets/s`,
      );
    }
  }
} catch (error) {
  if (!ending.signal.aborted) throw error;
} finally {
  await director.close();
}
