import { strict as assert } from 'node:assert';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import fc from 'fast-check';
import { beginsWith, parseHex, parsePattern } from '../../lib/health/checks/udp/byte-pattern.js';
import { type UdpCheckOptions, udpCheck } from '../../lib/health/checks/udp.js';
import { contextOf, found } from '../support/check-context.js';
import { fuzzRuns } from '../support/fuzz-runs.js';

const ADDRESS = '127.0.0.1';

describe('the check udp', () => {
  let server: Socket;
  let port: number;
  let answers: Buffer[];
  let asked: Buffer[];

  beforeEach(async () => {
    answers = [];
    asked = [];
    server = createSocket('udp4').on('message', (message, from) => {
      asked.push(message);
      for (const answer of answers) server.send(answer, from.port, from.address);
    });
    server.bind(0, ADDRESS);
    await once(server, 'listening');
    port = server.address().port;
  });

  afterEach(() => {
    server.close();
  });

  const check = (options: UdpCheckOptions, signal?: AbortSignal) =>
    found(udpCheck(options), contextOf(ADDRESS, port, signal));

  it('passes with the answer that is expected, as text or in hexadecimal', async () => {
    answers = [Buffer.from('pong 7')];
    assert.equal((await check({ payload: 'ping', expect: 'pong' })).message, 'an answer of 6 bytes');
    assert.equal((await check({ payloadHex: '70 69 6e 67', expectHex: '70xx6e x7' })).passed, true);
    assert.deepEqual(asked.map(String), ['ping', 'ping']);
  });

  it('sends 32 bytes to the port that it is given, or to that of the server', async () => {
    answers = [Buffer.from('x')];
    await found(udpCheck({ port, requireReply: true }), contextOf(ADDRESS, 9));
    assert.deepEqual(asked, [Buffer.alloc(32)]);
  });

  const wrong: [answer: string, options: UdpCheckOptions, message: RegExp][] = [
    ['gnop', { expect: 'pong' }, /^an answer of 4 bytes that begins 676e6f70$/],
    ['pon', { expect: 'pong' }, /begins 706f6e$/],
    ['pon', { expectHex: '706f6e67' }, /begins/],
    ['p'.repeat(20), { expect: 'pong' }, /begins (70){16}\.\.\.$/],
    ['', { minLength: 1 }, /^an answer of 0 bytes, of less than 1$/],
    ['pong', { maxLength: 3 }, /^an answer of 4 bytes, of more than 3$/],
  ];
  for (const [answer, options, message] of wrong)
    it(`fails when ${JSON.stringify(options)} gets '${answer}'`, async () => {
      answers = [Buffer.from(answer)];
      const finding = await check(options);
      assert.equal(finding.reason, 'wrong answer');
      assert.match(finding.message, message);
    });

  it('takes the first of thousands of answers', async () => {
    answers = [Buffer.from('no'), ...Array.from({ length: 2000 }, () => Buffer.from('pong'))];
    assert.equal((await check({ expect: 'pong' })).reason, 'wrong answer');
  });

  it('passes with silence when no answer is asked for', async () => {
    assert.deepEqual(await check({ quietMs: 1 }), { passed: true, message: 'no answer, and no ICMP error' });
  });

  it('fails with ICMP that says that nobody takes the datagram', async () => {
    const other = createSocket('udp4');
    other.bind(0, ADDRESS);
    await once(other, 'listening');
    const { port: free } = other.address();
    await new Promise<void>((closed) => other.close(closed));
    const finding = await found(udpCheck({ quietMs: 60_000 }), contextOf(ADDRESS, free));
    assert.equal(finding.reason, 'refused');
  });

  it('passes over an answer from another address', async () => {
    const other = createSocket('udp4');
    server.removeAllListeners('message');
    server.on('message', (_message, from) => {
      other.send('pong', from.port, from.address, () => server.send('gnop', from.port, from.address));
    });
    const finding = await check({ expect: 'pong' });
    other.close();
    assert.match(finding.message, /begins 676e6f70/);
  });

  it('ends with the reason of its signal, waiting for an answer or for silence', async () => {
    for (const options of [{ requireReply: true }, { quietMs: 60_000 }]) {
      const ending = new AbortController();
      const run = check(options, ending.signal);
      server.once('message', () => ending.abort(new Error('over')));
      await assert.rejects(run, /^Error: over$/);
    }
  });

  it('refuses options that do not fit together', () => {
    const mistakes: [UdpCheckOptions, string][] = [
      [{ payload: 'a', payloadHex: '61' }, 'payloadHex'],
      [{ payloadHex: '6' }, 'payloadHex'],
      [{ payloadHex: 'zz' }, 'payloadHex'],
      [{ payload: '\u20ac'.repeat(500) }, 'payload'],
      [{ expect: 'a', expectHex: '61' }, 'expectHex'],
      [{ expectHex: 'y0' }, 'expectHex'],
      [{ expectHex: '0' }, 'expectHex'],
      [{ expect: 'a', requireReply: false }, 'requireReply'],
      [{ minLength: 2, maxLength: 1 }, 'minLength'],
    ];
    for (const [options, option] of mistakes)
      assert.throws(() => udpCheck(options), { code: 'ERR_TUNVS_INVALID_ARGUMENT', option });
  });

  it('knows bytes by their own digits, with any of them left open, and by no longer ones', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.infiniteStream(fc.boolean()), (bytes, opens) => {
        const hex = Buffer.from(bytes).toString('hex');
        assert.deepEqual(new Uint8Array(parseHex(hex)), bytes);
        const open = Array.from(hex, (digit) => (opens.next().value ? 'x' : digit)).join('');
        assert.ok(beginsWith(bytes, parsePattern(open)));
        assert.ok(!beginsWith(bytes, parsePattern(`${open}xx`)));
        for (let digit = 0; digit < open.length; digit++) {
          if (open[digit] === 'x') continue;
          const other = (Number.parseInt(open[digit] as string, 16) ^ 1).toString(16);
          assert.ok(!beginsWith(bytes, parsePattern(open.slice(0, digit) + other + open.slice(digit + 1))));
        }
      }),
      { numRuns: fuzzRuns(100) },
    );
  });
});
