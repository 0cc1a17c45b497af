/** Clients that hang on a unix socket: idle, in the middle of a request, on streams that they do not read. */
import { connect, type Socket } from 'node:net';

const path = process.argv[2] as string;
const HEAD = 'Host: tunvs\r\n';
const BEGINNINGS = [
  '',
  'GET /v1/serv',
  `GET /v1/services HTTP/1.1\r\n${HEAD}`,
  `POST /v1/transaction HTTP/1.1\r\n${HEAD}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`,
  `GET /v1/events HTTP/1.1\r\n${HEAD}\r\n`,
  `GET /v1/status HTTP/1.1\r\n${HEAD}\r\n`,
];

const all = BEGINNINGS.flatMap((text) => Array.from({ length: 5 }, () => text)).map(
  (text) =>
    new Promise<{ closed: Promise<void>; socket: Socket }>((resolve) => {
      const socket = connect({ path, allowHalfOpen: true }, () => {
        socket.write(text, () => resolve({ closed, socket }));
      });
      const closed = new Promise<void>((cut) => {
        socket.on('end', cut).on('close', () => cut());
      });
      socket.on('error', () => {});
      if (text.includes('events')) socket.pause();
      else socket.resume();
    }),
);

void Promise.all(all).then(async (clients) => {
  process.stdout.write('all hang\n');
  const [reading, still] = [true, false].map((is) => clients.filter(({ socket }) => socket.isPaused() !== is));
  await Promise.all((reading ?? []).map(({ closed }) => closed));
  for (const { socket } of still ?? []) socket.resume();
  await Promise.all(clients.map(({ closed }) => closed));
  process.stdout.write('all are cut\n');
});
