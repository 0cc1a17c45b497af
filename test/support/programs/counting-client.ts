/** A client that numbers its datagrams, and counts which of them an echo has answered. */
import { createSocket } from 'node:dgram';
import { setTimeout as delay } from 'node:timers/promises';
import { serveAgent } from '../../../lib/lab/agent.js';

let isRunning = false;
let sending: Promise<void> = Promise.resolve();
let sent = 0;
let answered = new Set<number>();
let repeated = 0;

serveAgent({
  start({
    address,
    port,
    intervalMs,
    sockets,
  }: {
    address: string;
    port: number;
    intervalMs: number;
    sockets: number;
  }) {
    isRunning = true;
    sent = 0;
    answered = new Set();
    repeated = 0;
    const all = Array.from({ length: sockets }, () =>
      createSocket('udp4').on('message', (message) => {
        // The echo puts the server's name in front.
        const number = Number(message.toString().split(' ').at(-1));
        if (answered.has(number)) repeated += 1;
        answered.add(number);
      }),
    );
    sending = (async () => {
      while (isRunning) {
        for (const socket of all) socket.send(`${sent++}`, port, address);
        await delay(intervalMs);
      }
      await delay(500);
      for (const socket of all) socket.close();
    })();
  },
  count: () => ({ sent, answered: answered.size }),
  async stop() {
    isRunning = false;
    await sending;
    const lost = Array.from({ length: sent }, (_, number) => number).filter((number) => !answered.has(number));
    return { sent, answered: answered.size, lost, repeated };
  },
});
