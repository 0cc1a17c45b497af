/**
 * Shows a director's metrics to Prometheus, in the format that it asks for. It needs root, and ends with Ctrl-C; read
 * the metrics with `curl localhost:9100/metrics`, and those without real servers with `?servers=false` behind it.
 *
 *     node dist/examples/metrics.js DIP VIP RIP ...
 */
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { Director } from 'tunvs';
import { metricsContentTypes, metricsText } from 'tunvs/metrics';

const [source = '10.2.0.2', virtualAddress = '10.9.9.9', ...realServers] = process.argv.slice(2);

const director = await Director.open({ source });
const web = director.addVirtualService({ protocol: 'tcp', address: virtualAddress, port: 80 });
for (const address of realServers) web.addRealServer({ address });

const server = createServer(({ url, headers }, response) => {
  const format = headers.accept?.includes('application/openmetrics-text') ? 'openmetrics' : 'prometheus';
  response.setHeader('content-type', metricsContentTypes[format]);
  // A piece is printed when the one before is on its way, so other work gets its turn in between.
  Readable.from(metricsText(director, { format, servers: !url?.endsWith('?servers=false') })).pipe(response);
}).listen(9100, '127.0.0.1', () => console.log('metrics on http://127.0.0.1:9100/metrics'));

const end = () => {
  server.close();
  director.close();
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end);
