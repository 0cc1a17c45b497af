/**
 * Opens a director that has work to do and then ends in the way that its argument names.
 *
 *     node endings.js ENDING
 *
 * Prints "open" once the director forwards, then ends.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Director } from '../../../lib/index.js';

const VIP = '10.9.9.9';

async function openBusyDirector(signal?: AbortSignal): Promise<Director> {
  const director = await Director.open({
    source: '10.2.0.2',
    device: { name: 'tunvs0', queues: 2 },
    ...(signal && { signal }),
  });
  director
    .addVirtualService({ protocol: 'udp', address: VIP, port: 53, scheduler: 'rr' })
    .addRealServer({ address: '10.2.0.11' });
  await sendDatagrams(director);
  return director;
}

/** Each packet has a port of its own, so that the workers make connections; the last ones are still on their way. */
async function sendDatagrams(director: Director): Promise<void> {
  for (let index = 0; index < 50; index++) {
    const socket = createSocket('udp4');
    await new Promise((resolve) => socket.send('hello', 53, VIP, resolve));
    socket.close();
  }
  while (director.stats().counters.received === 0n) await sleep(5);
}

function announce(): void {
  if (isMainThread) process.stdout.write('open\n');
  else parentPort?.postMessage('open');
}

/** Checks the endings after which this process lives on; the others are checked when it has ended. */
function assertDeviceGone(): void {
  if (readFileSync('/proc/net/dev', 'utf8').includes('tunvs0:')) throw new Error('the device is still there');
}

/** Runs the same program as a worker thread, which opens a director of its own. */
async function startWorker(ending: string): Promise<Worker> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { ending } });
  await once(worker, 'message');
  return worker;
}

const endings: Record<string, () => Promise<unknown>> = {
  async 'falls off the end'() {
    await openBusyDirector();
    announce();
  },
  async 'process.exit'() {
    await openBusyDirector();
    announce();
    process.exit(0);
  },
  async 'process.exit while opening'() {
    const opening = openBusyDirector();
    announce();
    setImmediate(() => process.exit(0));
    await opening;
  },
  async close() {
    const director = await openBusyDirector();
    announce();
    await director.close();
    assertDeviceGone();
  },
  async 'close twice'() {
    const director = await openBusyDirector();
    announce();
    await Promise.all([director.close(), director.close()]);
    await director.close();
    try {
      director.stats();
    } catch (error) {
      if ((error as { code?: string }).code === 'ERR_TUNVS_CLOSED') return;
      throw error;
    }
    throw new Error('a closed director still answers');
  },
  async 'await using'() {
    await using director = await openBusyDirector();
    announce();
    director.stats();
  },
  async 'close, open again, close'() {
    const first = await openBusyDirector();
    announce();
    await first.close();
    const second = await openBusyDirector();
    await second.close();
  },
  async 'close without waiting for it'() {
    const director = await openBusyDirector();
    announce();
    void director.close();
    process.exit(0);
  },
  async 'exit amid watch and connections'() {
    const director = await openBusyDirector();
    void (async () => {
      for await (const _ of director.watch({ intervalMs: 10 })) for await (const _row of director.connections());
    })();
    await sleep(50);
    announce();
    process.exit(0);
  },
  async 'forgotten and collected'() {
    let director: Director | undefined = await openBusyDirector();
    director.stats();
    director = undefined;
    announce();
    (globalThis as { gc?: () => void }).gc?.();
    await sleep(50);
  },
  async 'uncaught exception'() {
    await openBusyDirector();
    announce();
    setImmediate(() => {
      throw new Error('uncaught on purpose');
    });
  },
  async 'unhandled rejection'() {
    await openBusyDirector();
    announce();
    void Promise.reject(new Error('unhandled on purpose'));
  },
  async 'exception in an event listener'() {
    const director = await openBusyDirector();
    director.on('virtualService', () => {
      throw new Error('thrown on purpose');
    });
    announce();
    director.addVirtualService({ protocol: 'tcp', address: VIP, port: 80 });
  },
  async 'stays open'() {
    await openBusyDirector();
    announce();
    await sleep(600_000);
  },
  async 'worker is terminated'() {
    const worker = await startWorker('stays open');
    announce();
    await worker.terminate();
    assertDeviceGone();
  },
  async 'worker is terminated and another takes its place'() {
    await (await startWorker('stays open')).terminate();
    const second = await startWorker('stays open');
    announce();
    await second.terminate();
  },
  async 'worker exits'() {
    const worker = await startWorker('process.exit');
    announce();
    if (worker.threadId !== -1) await once(worker, 'exit');
    assertDeviceGone();
  },
  async 'worker throws'() {
    const worker = new Worker(new URL(import.meta.url), { workerData: { ending: 'uncaught exception' } });
    announce();
    const [error] = await once(worker, 'error');
    if (!/uncaught on purpose/.test(error.message)) throw error;
    await worker.terminate();
    assertDeviceGone();
  },
  async 'process.exit with a worker that has a director'() {
    await startWorker('stays open');
    announce();
    process.exit(0);
  },
  async 'aborted before it is open'() {
    const controller = new AbortController();
    const opening = openBusyDirector(controller.signal);
    controller.abort(new Error('aborted on purpose'));
    announce();
    const [result] = await Promise.allSettled([opening]);
    if (result.status !== 'rejected' || !/on purpose/.test(result.reason.message))
      throw new Error('it opened all the same');
  },
};

const ending: string = isMainThread ? (process.argv[2] ?? '') : workerData.ending;
const run = endings[ending];
if (run === undefined) throw new Error(`there is no ending "${ending}"; there are ${Object.keys(endings).join(', ')}`);
await run();
