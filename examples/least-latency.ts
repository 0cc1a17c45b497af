/**
 * Shows a weights policy that goes by latency. It measures a TCP handshake with each real server's own address, and the
 * weight falls as the answer takes longer. A server that does not answer gets weight 0, and so no new connections. It
 * needs root, and ends with Ctrl-C.
 *
 *     node dist/examples/least-latency.js DIP VIP RIP ...
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { Director, weightsPolicy } from 'tunvs';

const [source = '10.2.0.2', virtualAddress = '10.9.9.9', ...given] = process.argv.slice(2);
const realServers = given.length > 0 ? given : ['10.3.0.11', '10.3.0.12'];
const PORT = 80;
const TIMEOUT_MS = 500;
/** What takes that long or less has the full weight. */
const FAST_MS = 20;
const FULL_WEIGHT = 100;

/** Milliseconds of a TCP handshake; undefined when there is none in time. */
async function latency(address: string, signal: AbortSignal): Promise<number | undefined> {
  const socket = connect({ host: address, port: PORT });
  const startedMs = performance.now();
  try {
    await once(socket, 'connect', { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) });
    return performance.now() - startedMs;
  } catch {
    return undefined;
  } finally {
    socket.on('error', () => {}).destroy();
  }
}

const leastLatency = weightsPolicy(
  async (servers, { signal }) => {
    const took = await Promise.all(servers.map(({ address }) => latency(address, signal)));
    return took.map((ms) =>
      ms === undefined ? 0 : Math.max(1, Math.round((FULL_WEIGHT * FAST_MS) / Math.max(ms, FAST_MS))),
    );
  },
  { intervalMs: 250 },
);

const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ending.abort());

const director = await Director.open({ source });
director.on('event', ({ message }) => console.error(message));
try {
  const web = director.addVirtualService({
    protocol: 'tcp',
    address: virtualAddress,
    port: PORT,
    scheduler: 'wrr',
    policy: leastLatency,
  });
  for (const address of realServers) web.addRealServer({ address });
  console.log(`directing ${virtualAddress}:${PORT}`);

  for await (const { services } of director.watch({ intervalMs: 500, signal: ending.signal })) {
    const weights = services[0]?.servers.map(({ address, effectiveWeight }) => `${address} ${effectiveWeight}`);
    console.log(`weights: ${weights?.join(', ')}`);
  }
} catch (error) {
  if (!ending.signal.aborted) throw error;
} finally {
  await director.close();
}
