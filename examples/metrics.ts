/**
 * Shows a director's statistics over HTTP, in the text form that Prometheus reads. It needs root, and ends with Ctrl-C;
 * read the statistics with `curl localhost:9100/metrics`.
 *
 *     node dist/examples/metrics.js DIP VIP RIP ...
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Director, type DirectorStats } from 'tunvs';

const [source = '10.2.0.2', virtualAddress = '10.9.9.9', ...realServers] = process.argv.slice(2);

const director = await Director.open({ source });
const web = director.addVirtualService({ protocol: 'tcp', address: virtualAddress, port: 80 });
for (const address of realServers) web.addRealServer({ address });

const server = createServer((_, response) => {
  response.setHeader('content-type', 'text/plain; version=0.0.4');
  response.end(metrics(director.stats()));
}).listen(9100, '127.0.0.1', () => console.log('metrics on http://127.0.0.1:9100/metrics'));

function metrics({ counters, services }: DirectorStats): string {
  const lines = Object.entries(counters).map(([name, value]) => `tunvs_engine_total{counter="${name}"} ${value}`);
  for (const service of services) {
    for (const { address, effectiveWeight, activeConnections, totals } of service.servers) {
      const labels = `{service="${service.protocol}/${service.address}:${service.port}",server="${address}"}`;
      lines.push(
        `tunvs_server_weight${labels} ${effectiveWeight}`,
        `tunvs_server_active_connections${labels} ${activeConnections}`,
        `tunvs_server_connections_total${labels} ${totals.connections}`,
        `tunvs_server_packets_total${labels} ${totals.inPackets}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
server.close();
await director.close();
