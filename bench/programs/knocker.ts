/**
 * Knocks at a control server's socket, as its arguments say: the path, and `idle`, `cheap`, `dear` or `malformed`.
 * Prints "ready" when it is connected, and the number of its answers for each line that it reads. Ends with its input.
 */
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

const [path = '', knock = 'cheap'] = process.argv.slice(2);
const CLIENTS = knock === 'idle' ? 1000 : 64;
const agent = new Agent({ keepAlive: true });
let answers = 0;

const ask = () =>
  new Promise<void>((resolve) => {
    const request = get({ agent, socketPath: path, path: `/${knock}` }, (answer) => {
      answers++;
      answer.resume().once('close', resolve);
    });
    request.on('error', () => resolve());
  });

const babble = () =>
  new Promise<void>((resolve) => {
    const socket = connect(path, () => socket.write('babble\r\n\r\n'));
    socket.on('data', () => answers++);
    socket.on('error', () => {}).on('close', () => resolve());
  });

/** One that was thrown out comes again. */
const idle = () =>
  new Promise<void>((resolve) => {
    connect(path)
      .on('error', () => {})
      .on('close', () => delay(1000).then(resolve));
  });

const deed = { idle, malformed: babble }[knock] ?? ask;
for (let client = 0; client < CLIENTS; client++)
  void (async () => {
    await delay(client);
    for (;;) await deed();
  })();
await delay(CLIENTS + 500);
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) console.log(`${line} ${answers}`);
process.exit();
