/**
 * Shows a service of your own with all that `tunvs run` has: a director as a configuration file wants it, its control
 * socket for tunvsadm and `tunvs reload`, metrics in a registry of prom-client beside those of the process, and an end
 * in order. It needs root and `npm install prom-client`; SIGHUP reads the file again, and Ctrl-C ends it.
 *
 *     node dist/examples/embed-control.js examples/config/web.yaml [PORT]
 *
 * Ask it by `tunvs status --name shop`, `tunvsadm --name shop -Ln` and `curl localhost:9100/metrics`.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { Director } from 'tunvs';
import { ConfigError, mistakeSentence, openOptionsOf, parseConfig, shownValues, SpecSession } from 'tunvs/config';
import { serveControl } from 'tunvs/control';
import { registerMetrics } from 'tunvs/metrics';

const [file = 'examples/config/web.yaml', port = '9100'] = process.argv.slice(2);
const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ending.abort());

/** Reads the file; all of its mistakes are in the error. */
async function readSpec() {
  const parsed = parseConfig(await readFile(file), { path: file });
  for (const warning of parsed.warnings) console.warn(mistakeSentence(warning));
  if ('mistakes' in parsed) throw new ConfigError(parsed.mistakes);
  return parsed;
}

const first = await readSpec();
await using director = await Director.open({ ...openOptionsOf(first.spec), signal: ending.signal });
director.on('event', ({ message }) => console.log(message));
director.on('warning', ({ message }) => console.warn(message));
// A director that has lost its device emits 'error', and has to be closed.
director.on('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
  ending.abort();
});

// It keeps servers that are named by DNS as the DNS has them.
const session = new SpecSession(director, { warning: console.warn, dns: ({ sentence }) => console.warn(sentence) });
await session.apply(first);

async function reload({ dryRun = false, reset = false }) {
  const next = await readSpec();
  const changes = dryRun ? await session.plan(next, { reset }) : await session.apply(next, { reset });
  for (const { sentence } of changes) console.log(dryRun ? `would change: ${sentence}` : sentence);
  return { changes };
}
process.on('SIGHUP', () => void reload({}).catch((error: Error) => console.error(`nothing changes: ${error.message}`)));

// tunvs status, tunvsadm, tunvs reload and curl come by /run/tunvs/shop.sock. It is closed with the director.
const spec = () => shownValues(session.current()?.spec ?? {}, session.current()?.origins);
await serveControl(director, { name: 'shop', reload, spec });

const registry = new Registry();
collectDefaultMetrics({ register: registry });
const unregister = registerMetrics(director, registry);
const metrics = createServer((_, response) => {
  registry.metrics().then(
    (text) => response.setHeader('content-type', registry.contentType).end(text),
    (error: Error) => response.writeHead(500).end(error.message),
  );
}).listen(Number(port), '127.0.0.1', () => {
  console.log(`metrics on http://127.0.0.1:${(metrics.address() as AddressInfo).port}/metrics`);
});

console.log(`directing on ${director.device?.name}`);
if (!ending.signal.aborted) await once(ending.signal, 'abort');

// Policies of the file end with the session, so the director is closed before.
metrics.close();
metrics.closeIdleConnections();
unregister();
await director.close();
await session.close();
