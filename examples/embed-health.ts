/**
 * Shows a director that checks its real servers. One check is a kind of tunvs, the other a function of this program,
 * which also says a weight. The program prints what the checks find. It needs root, and ends with Ctrl-C.
 *
 *     node dist/examples/embed-health.js DIP VIP RIP ...
 */
import { once } from 'node:events';
import { Director } from 'tunvs';
import { type CheckFunction, functionCheck, monitorHealth, tcpCheck } from 'tunvs/health';

const [source = '10.2.0.2', virtualAddress = '10.9.9.9', ...given] = process.argv.slice(2);
const realServers = given.length > 0 ? given : ['10.3.0.11', '10.3.0.12'];
const PORT = 80;

/** Asks for one page, and gives a server that answers late a part of its weight. */
const frontPage: CheckFunction = async ({ connect, signal }) => {
  const startedMs = performance.now();
  const socket = await connect();
  try {
    socket.write('GET / HTTP/1.0\r\n\r\n');
    // The signal is aborted when the time of the check is over.
    const [piece] = (await once(socket, 'data', { signal })) as [Buffer];
    const [line = ''] = piece.toString('latin1').split('\r\n');
    if (!/^HTTP\/1\.[01] 200 /.test(line)) throw new Error(`it answers "${line}"`);
    const isLate = performance.now() - startedMs > 200;
    return { passed: true, message: line, advice: { factor: isLate ? 0.5 : 1 } };
  } finally {
    socket.destroy();
  }
};

const director = await Director.open({ source });
director.on('event', ({ message }) => console.error(message));
const web = director.addVirtualService({ protocol: 'tcp', address: virtualAddress, port: PORT, scheduler: 'wrr' });
for (const address of realServers) web.addRealServer({ address, weight: 2 });

const monitor = monitorHealth(director);
monitor.on('server', ({ server, isUp, message, mend }) => {
  console.log(`${server.address} is ${isUp ? 'up' : 'down'}: ${message}`);
  if (mend !== undefined) console.log(`  ${mend}`);
});
monitor.on('quorum', ({ isUp }) => console.log(isUp ? 'the service is up' : 'the service is down'));
monitor.watch(web, {
  checks: [tcpCheck(), { check: functionCheck(frontPage), name: 'front page' }],
  intervalMs: 500,
  timeoutMs: 400,
});
console.log(`checking ${virtualAddress}:${PORT}`);

// Neither a director nor a monitor keeps the process alive; watch() does, until the signal.
const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ending.abort());
try {
  for await (const { services } of director.watch({ intervalMs: 2000, signal: ending.signal })) {
    const weights = services[0]?.servers.map(({ address, effectiveWeight }) => `${address} ${effectiveWeight}`);
    console.log(`weights: ${weights?.join(', ')}`);
  }
} catch (error) {
  if (!ending.signal.aborted) throw error;
} finally {
  await monitor.close();
  await director.close();
}
