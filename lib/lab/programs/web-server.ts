/**
 * A real server's services, HTTP over TCP and an echo over UDP, each of which says which real server answered.
 *
 *     node web-server.js NAME PORT
 *
 * GET /bytes/N answers N bytes of the pattern; POST takes any body and answers its length and hash.
 */
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isIPv6 } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { serveAgent } from '../agent.js';
import { pattern } from '../pattern.js';

const [name = 'unnamed', port = '80'] = process.argv.slice(2);
const MAX_BYTES = 64 * 1024 * 1024;

const counts = { httpConnections: 0, httpRequests: 0, receivedBytes: 0, datagrams: 0 };

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  counts.httpRequests += 1;
  response.setHeader('x-real-server', name);
  const wanted = /^\/bytes\/(\d{1,9})$/.exec(request.url ?? '')?.[1];
  if (request.method === 'GET' && wanted !== undefined) {
    const bytes = Math.min(Number(wanted), MAX_BYTES);
    response.setHeader('content-length', bytes);
    await pipeline(Readable.from(pattern(bytes)), response);
    return;
  }
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
    counts.receivedBytes += chunk.length;
  }
  const body = JSON.stringify({ server: name, bytes, sha256: hash.digest('hex') });
  response.setHeader('content-length', Buffer.byteLength(body));
  response.end(body);
}

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  answer(request, response).catch(() => response.destroy());
});
server.on('connection', () => {
  counts.httpConnections += 1;
});

const BUFFER_BYTES = 4 << 20;

// A socket bound to any address would answer from the real server's own address.
function bindUdp({ address }: { address: string }): Promise<void> {
  const echo = createSocket(isIPv6(address) ? 'udp6' : 'udp4').on('message', (message, sender) => {
    counts.datagrams += 1;
    echo.send(Buffer.concat([Buffer.from(`${name} `), message]), sender.port, sender.address);
  });
  return new Promise((resolve, reject) => {
    echo.once('error', reject);
    echo.bind(Number(port), address, () => {
      // What has waited for a director comes at once. The kernel gives as much of this as it gives to anybody.
      echo.setRecvBufferSize(BUFFER_BYTES);
      resolve();
    });
  });
}

// Without a host, it listens on any address, IPv6's included where there is IPv6.
server.listen({ port: Number(port), backlog: 1024 }, () => {
  serveAgent({ counts: () => counts, bindUdp });
});
