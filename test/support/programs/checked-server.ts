/**
 * A real server's services, one for each kind of check, and each of them right or wrong as a lab says.
 *
 *     node checked-server.js VIP...
 */
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server, type Http2Server } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { createServer, isIPv6, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { serveAgent } from '../../../lib/lab/agent.js';
import { expiredCertificate, serverCertificate } from '../certificates.js';
import { type ServedKind, servedPorts } from '../served-ports.js';

const virtualAddresses = process.argv.slice(2);

/** What is wrong at the time: `wrong` answers as a broken server does, `mute` takes everything and says nothing. */
type Manner = 'right' | 'wrong' | 'mute';
const manners = new Map<ServedKind, Manner>();
const mannerOf = (kind: ServedKind) => manners.get(kind) ?? 'right';

/** Answers by 200, and by what a server with a full disk says. */
function answerHttp(kind: ServedKind) {
  return (_: unknown, response: { writeHead(status: number): unknown; end(body: string): unknown }) => {
    const manner = mannerOf(kind);
    if (manner === 'mute') return;
    response.writeHead(manner === 'right' ? 200 : 500);
    response.end(manner === 'right' ? 'ok' : 'No space left on device');
  };
}

const SERVING = 1;
const NOT_SERVING = 2;

function grpcServer(): Http2Server {
  return createHttp2Server().on('stream', (stream) => {
    stream.on('error', () => {});
    const manner = mannerOf('grpc');
    if (manner === 'mute') return;
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.from([0, 0, 0, 0, 2, 0x08, manner === 'right' ? SERVING : NOT_SERVING]));
  });
}

function smtpServer(): Server {
  return createServer((socket) => {
    socket.on('error', () => {});
    if (mannerOf('smtp') === 'mute') return;
    socket.write(mannerOf('smtp') === 'right' ? '220 ready\r\n' : '421 4.3.1 the disk is full\r\n');
    socket.on('data', () => socket.write('250 hello\r\n'));
  });
}

function agentServer(): Server {
  return createServer((socket) => {
    socket.on('error', () => {});
    if (mannerOf('agent') !== 'mute') socket.end(mannerOf('agent') === 'right' ? 'up 100%\n' : 'down # by hand\n');
  });
}

const certified = (certificate: typeof serverCertificate) => ({ key: certificate.key, cert: certificate.cert });
const tlsServer = createTlsServer(certified(serverCertificate), (socket) => socket.on('error', () => {}));

const streams: Partial<Record<ServedKind, Server>> = {
  tcp: createServer((socket) => socket.on('error', () => {}).resume()),
  tls: tlsServer,
  http: createHttpServer(answerHttp('http')),
  https: createHttpsServer(certified(serverCertificate), answerHttp('https')),
  h2: createHttp2Server(answerHttp('h2')),
  grpc: grpcServer(),
  smtp: smtpServer(),
  agent: agentServer(),
};

const SERVFAIL = 2;

const datagrams: Partial<Record<ServedKind, (message: Buffer) => Buffer>> = {
  udp: (message) => Buffer.from(mannerOf('udp') === 'right' ? `echo ${message}` : 'broken'),
  dns: (query) => {
    const answer = Buffer.from(query);
    answer.writeUInt16BE(0x8180 | (mannerOf('dns') === 'right' ? 0 : SERVFAIL), 2);
    return answer;
  },
};

/** A socket of each address, since one of any address would answer from the server's own. */
async function bind(kind: ServedKind, address: string): Promise<DatagramSocket> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  socket.on('message', (message, sender) => {
    if (mannerOf(kind) !== 'mute') socket.send(datagrams[kind]?.(message) ?? message, sender.port, sender.address);
  });
  socket.bind(servedPorts[kind], address);
  await once(socket, 'listening');
  return socket;
}

async function behave({ kind, manner }: { kind: ServedKind; manner: Manner }): Promise<void> {
  manners.set(kind, manner);
  if (kind === 'tls')
    tlsServer.setSecureContext(certified(manner === 'wrong' ? expiredCertificate : serverCertificate));
  const { tcp } = streams;
  if (kind !== 'tcp' || tcp === undefined) return;
  if (manner === 'wrong' && tcp.listening) tcp.close();
  if (manner === 'right' && !tcp.listening) await once(tcp.listen(servedPorts.tcp), 'listening');
}

for (const [kind, server] of Object.entries(streams))
  await once(server.listen(servedPorts[kind as ServedKind]), 'listening');
for (const kind of Object.keys(datagrams))
  for (const address of virtualAddresses) await bind(kind as ServedKind, address);

serveAgent({ behave });
