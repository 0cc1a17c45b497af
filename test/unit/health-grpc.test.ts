import { strict as assert } from 'node:assert';
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { createSecureServer } from 'node:http2';
import fc from 'fast-check';
import { CheckFailure } from '../../lib/health/checks/check.js';
import { readResponse, writeRequest } from '../../lib/health/checks/grpc/health-message.js';
import { type GrpcCheckOptions, grpcCheck } from '../../lib/health/checks/grpc.js';
import { serverCertificate } from '../support/certificates.js';
import { findingOf, leavesNothingOpen, listen, serve } from '../support/checked.js';
import { fuzzRuns } from '../support/fuzz-runs.js';

const framed = (...message: number[]) => Buffer.from([0, 0, 0, 0, message.length, ...message]);
const SERVING = framed(0x08, 1);

/** A server of gRPC that answers with a message and trailers; it keeps what it was asked. */
function grpcServer(
  message: Buffer,
  trailers: Record<string, string> = { 'grpc-status': '0' },
  server = createServer(),
) {
  const asked: { path?: string; body: Buffer }[] = [];
  server.on('stream', (stream: ServerHttp2Stream, { ':path': path }) => {
    const parts: Buffer[] = [];
    stream.on('error', () => {});
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('end', () => {
      asked.push({ ...(path !== undefined && { path }), body: Buffer.concat(parts) });
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers(trailers));
      stream.end(message);
    });
  });
  return Object.assign(server, { asked });
}

async function checked(server: Http2Server, options: GrpcCheckOptions = {}) {
  await using listening = await listen(server);
  return await findingOf(grpcCheck(options), listening.port);
}

describe('a check by gRPC', () => {
  it('asks for the service, and passes when it serves', () =>
    leavesNothingOpen(async () => {
      const server = grpcServer(SERVING);
      assert.deepEqual(await checked(server, { service: 'shop.Orders' }), { passed: true, message: 'SERVING' });
      const [asked] = server.asked;
      assert.equal(asked?.path, '/grpc.health.v1.Health/Check');
      assert.deepEqual(asked?.body, Buffer.concat([framed(), Buffer.from('\x0a\x0bshop.Orders')]).fill(13, 4, 5));
    }));

  it('asks over TLS', () =>
    leavesNothingOpen(async () => {
      const server = grpcServer(SERVING, { 'grpc-status': '0' }, createSecureServer(serverCertificate) as Http2Server);
      const finding = await checked(server, { tls: true, verify: false });
      assert.equal(finding.message, 'SERVING');
      assert.match(String(finding.warning), /certificate/);
    }));

  const refused: [what: string, message: Buffer, trailers: Record<string, string>, said: RegExp][] = [
    ['a service that does not serve', framed(0x08, 2), { 'grpc-status': '0' }, /^NOT_SERVING$/],
    ['a message without a status', framed(), { 'grpc-status': '0' }, /^UNKNOWN$/],
    ['a status that has no name', framed(0x08, 9), { 'grpc-status': '0' }, /^status 9$/],
    [
      'an unknown service',
      Buffer.alloc(0),
      { 'grpc-status': '5', 'grpc-message': 'x' },
      /^the server does not know the service: x$/,
    ],
    [
      'a server without the health service',
      Buffer.alloc(0),
      { 'grpc-status': '12' },
      /^the server has no health service$/,
    ],
    ['another error', Buffer.alloc(0), { 'grpc-status': '13' }, /^grpc-status 13$/],
    ['a message that is cut', Buffer.of(0, 0, 0, 0, 9, 8), { 'grpc-status': '0' }, /its length is another$/],
    ['a compressed message', Buffer.of(1, 0, 0, 0, 0), { 'grpc-status': '0' }, /it is compressed$/],
    ['no message', Buffer.alloc(0), { 'grpc-status': '0' }, /it is too short$/],
    ['an endless message', Buffer.alloc(100_000), { 'grpc-status': '0' }, /its length is another$/],
  ];
  for (const [what, message, trailers, said] of refused)
    it(`names ${what}`, () =>
      leavesNothingOpen(async () => {
        const finding = await checked(grpcServer(message, trailers));
        assert.equal(finding.passed, false);
        assert.equal(finding.reason, 'wrong answer');
        assert.match(finding.message, said);
      }));

  it('names what is no gRPC', () =>
    leavesNothingOpen(async () => {
      const plain = createServer((_request, response) => response.writeHead(404).end());
      assert.equal((await checked(plain)).message, 'status 404 of HTTP');
      await using old = await serve((socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad\r\n\r\n')));
      assert.equal((await findingOf(grpcCheck(), old.port)).reason, 'wrong answer');
    }));

  it('passes over fields that it does not know, and takes the last status', () => {
    const unknown = [0x15, 1, 2, 3, 4, 0x19, 1, 2, 3, 4, 5, 6, 7, 8, 0x22, 2, 8, 2, 0x28, 0xff, 1];
    assert.equal(readResponse(framed(0x08, 2, ...unknown, 0x08, 1)), 'SERVING');
  });

  it('writes names of every length', () => {
    for (const length of [0, 1, 127, 128, 255]) {
      const bytes = writeRequest('x'.repeat(length));
      assert.equal(bytes.readUInt32BE(1), bytes.length - 5);
      assert.equal(bytes.subarray(bytes.length - length).toString(), 'x'.repeat(length));
    }
  });

  it('reads whatever comes as a status or a failure', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          assert.equal(typeof readResponse(framed(...bytes)), 'string');
        } catch (error) {
          assert.ok(error instanceof CheckFailure);
        }
      }),
      { numRuns: fuzzRuns(5000) },
    ));
});
