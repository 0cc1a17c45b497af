/** A worker's environment ends while news of its director waits for it. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { Director } from '../../../lib/index.js';

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  const exited = once(worker, 'exit');
  await once(worker, 'message');
  // Each of its threads has news of that, and JavaScript has no chance to hear it.
  execFileSync('ip', ['link', 'delete', 'tunvs0']);
  await sleep(300);
  await worker.terminate();
  await exited;
  console.log('survived');
} else {
  const director = await Director.open({ source: '10.2.0.2', device: { name: 'tunvs0', queues: 2 } });
  director.on('event', () => {});
  director.on('error', () => {});
  parentPort?.postMessage('open');
  for (;;);
}
