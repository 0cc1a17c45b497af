/**
 * A connection policy that takes 1 ms for each connection, while far more come than it can decide about.
 *
 *     node slow-policy.js
 *
 * Prints, as JSON, how often the policy was asked, in all and at most between two rounds of a timer.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { connectionPolicy, Director } from '../../../lib/index.js';

const VIP = '10.9.9.9';
const PORT = 53;
const ENOUGH = 1500;

/** Sends datagrams without end. Each port's are a connection of their own, so questions wait all the time. */
async function flood(): Promise<never> {
  const sockets = Array.from({ length: 512 }, () => createSocket('udp4'));
  for (;;)
    await Promise.all(sockets.map((socket) => new Promise((sent) => socket.send('hello', PORT, workerData, sent))));
}

function spend1ms(): void {
  const end = performance.now() + 1;
  while (performance.now() < end);
}

async function measure(): Promise<void> {
  await using director = await Director.open({ source: '10.2.0.2', device: { name: 'tunvs0' } });
  let asked = 0;
  const policy = connectionPolicy(
    () => {
      spend1ms();
      asked += 1;
      return 0;
    },
    { deadlineMs: 10_000 },
  );
  // With one-packet scheduling each datagram is a connection, and is asked about.
  director
    .addVirtualService({ protocol: 'udp', address: VIP, port: PORT, scheduler: 'rr', onePacket: true, policy })
    .addRealServer({ address: '10.2.0.11' });
  const worker = new Worker(new URL(import.meta.url), { workerData: VIP });
  await once(worker, 'online');
  let atOnce = 0;
  let last = 0;
  await new Promise<void>((resolve) => {
    const look = () => {
      atOnce = Math.max(atOnce, asked - last);
      last = asked;
      if (asked >= ENOUGH) resolve();
      else setTimeout(look, 1);
    };
    look();
  });
  await worker.terminate();
  console.log(JSON.stringify({ asked, atOnce }));
}

await (isMainThread ? measure() : flood());
