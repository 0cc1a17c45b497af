import { strict as assert } from 'node:assert';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import fc from 'fast-check';
import { type DnsCheckOptions, dnsCheck } from '../../lib/health/checks/dns.js';
import {
  NoAnswer,
  parseName,
  type Question,
  readAnswer,
  recordTypes,
  writeQuestion,
} from '../../lib/health/checks/dns/message.js';
import { contextOf, found } from '../support/check-context.js';
import { fuzzRuns } from '../support/fuzz-runs.js';

const ADDRESS = '127.0.0.1';
const QUESTION: Question = { name: 'www.example.org', type: 'A', id: 7, isRecursionWanted: true };
/** Where the name of the question begins in every message. */
const OF_QUESTION = Buffer.of(0xc0, 12);

const wire = (name: string) =>
  Buffer.concat([...parseName(name).flatMap((label) => [Buffer.of(label.length), label]), Buffer.of(0)]);

function record(type: keyof typeof recordTypes, data: Uint8Array, name = OF_QUESTION): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt16BE(recordTypes[type], 0);
  head.writeUInt16BE(1, 2);
  head.writeUInt16BE(data.length, 8);
  return Buffer.concat([name, head, data]);
}

interface Reply {
  flags?: number;
  id?: number;
  records?: Buffer[];
  /** The bytes that are left. */
  cut?: number;
}

/** What a server answers to these bytes. */
function reply(question: Buffer, { flags = 0x8180, id, records = [], cut }: Reply): Buffer {
  const header = Buffer.from(question.subarray(0, 12));
  header.writeUInt16BE(flags, 2);
  if (id !== undefined) header.writeUInt16BE(header.readUInt16BE() ^ id, 0);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, question.subarray(12), ...records]).subarray(0, cut);
}

const answered = (more: Reply) => readAnswer(reply(writeQuestion(QUESTION), more), QUESTION);

describe('a DNS message', () => {
  it('asks as RFC 1035 says', () => {
    assert.equal(
      writeQuestion(QUESTION).toString('latin1'),
      '\0\x07\x01\0\0\x01\0\0\0\0\0\0\x03www\x07example\x03org\0\0\x01\0\x01',
    );
    const root: Question = { name: '.', type: 'SOA', id: 0xffff, isRecursionWanted: false };
    assert.equal(writeQuestion(root).toString('hex'), 'ffff00000001000000000000' + '0000060001');
  });

  const data: [type: keyof typeof recordTypes, data: Buffer, text: string][] = [
    ['A', Buffer.of(192, 0, 2, 1), '192.0.2.1'],
    ['AAAA', Buffer.concat([Buffer.of(0x20, 1, 0xd, 0xb8), Buffer.alloc(11), Buffer.of(1)]), '2001:db8::1'],
    ['NS', wire('NS.example'), 'ns.example.'],
    ['CNAME', OF_QUESTION, 'www.example.org.'],
    ['PTR', Buffer.concat([Buffer.of(1, 97), OF_QUESTION]), 'a.www.example.org.'],
    ['MX', Buffer.concat([Buffer.of(0, 10), wire('mail.example')]), '10 mail.example.'],
    ['SRV', Buffer.concat([Buffer.of(0, 1, 0, 2, 0, 80), wire('.')]), '1 2 80 .'],
    ['TXT', Buffer.from('\x02ab\0\x01c'), 'abc'],
    ['SOA', Buffer.concat([wire('a'), wire('b.c'), Buffer.alloc(16), Buffer.of(0, 0, 1, 0)]), 'a. b.c. 0 0 0 0 256'],
    ['DNSKEY', Buffer.of(1, 0xab), '01ab'],
    ['NS', wire('a\\b c').subarray(0), 'a\\\\b\\032c.'],
  ];
  for (const [type, bytes, text] of data)
    it(`has the data of ${type} as '${text}'`, () => {
      const { records } = answered({ records: [record(type, bytes)] });
      assert.deepEqual(records, [{ name: 'www.example.org.', type: recordTypes[type], data: text }]);
    });

  const strange: [what: string, more: Reply, message: RegExp][] = [
    ['is too short', { cut: 11 }, /11 bytes, which is no DNS message/],
    ['is a question', { flags: 0x0100 }, /a question in place of/],
    ['has another opcode', { flags: 0xa000 }, /another kind of query/],
    ['ends in its question', { cut: 20 }, /cut short/],
    ['ends in a record', { records: [record('A', Buffer.alloc(4))], cut: 40 }, /cut short/],
    ['has a record that is longer than it', { records: [record('A', Buffer.alloc(4))], cut: 46 }, /cut short/],
    ['has an address of five bytes', { records: [record('A', Buffer.alloc(5))] }, /address of the wrong length/],
    ['has data behind a name', { records: [record('NS', Buffer.of(0, 0))] }, /record of the wrong length/],
    ['has a name that points to itself', { records: [record('A', Buffer.alloc(4), Buffer.of(0xc0, 33))] }, /forwards/],
    ['has names that point in a circle', { records: [circle()] }, /forwards/],
    ['has a label of an unknown form', { records: [record('NS', Buffer.of(0x80, 0))] }, /unknown form/],
    ['has a long name', { records: [record('NS', longName())] }, /too long/],
    ['has names with long chains of pointers', chains(), /more than 65536 parts/],
    ['has a text beyond its record', { records: [record('TXT', Buffer.from('\x05a'))] }, /cut short|wrong length/],
  ];
  for (const [what, more, message] of strange)
    it(`is refused when it ${what}`, () =>
      assert.throws(
        () => answered(more),
        (error: Error) => error instanceof NoAnswer && !error.isOfAnother && message.test(error.message),
      ));

  /** A label before a pointer back to that label. */
  function circle(): Buffer {
    return record('NS', Buffer.of(0), Buffer.of(1, 97, 0xc0, 33));
  }

  /** One record has a chain of pointers for data, and the names of others begin at its end. */
  function chains(): Reply {
    const pointer = (to: number) => Buffer.of(0xc0 | (to >> 8), to & 255);
    const begin = 12 + wire(QUESTION.name).length + 4 + OF_QUESTION.length + 10;
    const links = 7000;
    const chain = Array.from({ length: links }, (_, link) => pointer(link === 0 ? 12 : begin + 2 * (link - 1)));
    const last = pointer(begin + 2 * (links - 1));
    const others = Array.from({ length: 10 }, () => record('A', Buffer.alloc(4), last));
    return { records: [record('DNSKEY', Buffer.concat(chain), OF_QUESTION), ...others] };
  }

  function longName(): Buffer {
    return Buffer.concat(Array.from({ length: 5 }, () => Buffer.concat([Buffer.of(60), Buffer.alloc(60, 97)])));
  }

  it('is refused when it answers another question, by name, type or class', () => {
    for (const other of [{ name: 'example.org' }, { type: 'AAAA' as const }]) {
      const bytes = reply(writeQuestion({ ...QUESTION, ...other }), {});
      assert.throws(() => readAnswer(bytes, QUESTION), /another question/);
    }
    const chaos = writeQuestion(QUESTION);
    chaos[chaos.length - 1] = 3;
    assert.throws(() => readAnswer(reply(chaos, {}), QUESTION), /another question/);
    assert.doesNotThrow(() =>
      readAnswer(reply(writeQuestion({ ...QUESTION, name: 'WWW.example.ORG.' }), {}), QUESTION),
    );
  });

  it('is taken for what it holds when it is truncated', () => {
    const first = record('A', Buffer.of(192, 0, 2, 1));
    const { isTruncated, records } = answered({ flags: 0x8380, records: [first, first], cut: 55 });
    assert.deepEqual([isTruncated, records.length], [true, 1]);
  });

  it('need not repeat a question that it does not understand', () => {
    const bytes = Buffer.from('0007800100000000' + '00000000', 'hex');
    assert.equal(readAnswer(bytes, QUESTION).code, 'FORMERR');
    bytes[3] = 9;
    assert.equal(readAnswer(bytes, QUESTION).code, 'rcode 9');
    bytes[3] = 0;
    assert.throws(() => readAnswer(bytes, QUESTION), /another question/);
  });

  it('of any bytes is an answer or none, and never another error', () => {
    const sample = reply(writeQuestion(QUESTION), { records: data.map(([type, bytes]) => record(type, bytes)) });
    const change = fc.record({ at: fc.nat(sample.length - 1), byte: fc.oneof(fc.nat(255), fc.constant(0xc0)) });
    const changed = fc.tuple(fc.array(change, { maxLength: 8 }), fc.nat(sample.length)).map(([changes, length]) => {
      const bytes = Buffer.from(sample);
      for (const { at, byte } of changes) bytes[at] = byte;
      return bytes.subarray(0, length);
    });
    const any = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from([0, 7, 0x81, 0x80, ...bytes]));
    fc.assert(
      fc.property(fc.oneof(changed, any), (bytes) => {
        try {
          readAnswer(bytes, QUESTION);
        } catch (error) {
          assert.ok(error instanceof NoAnswer, String(error));
        }
      }),
      { numRuns: fuzzRuns(1000) },
    );
  });
});

describe('the check dns', () => {
  let udp: Socket;
  let tcp: Server;
  let port: number;
  /** What comes by UDP; by TCP comes the same without truncation. */
  let replies: Reply[];
  let byTcp: (question: Buffer) => Buffer;

  const framed = (message: Buffer) => Buffer.concat([Buffer.of(message.length >> 8, message.length & 255), message]);

  beforeEach(async () => {
    replies = [{}];
    byTcp = (question) => framed(reply(question, { records: replies[0]?.records ?? [] }));
    tcp = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (question) => socket.end(byTcp(question.subarray(2))));
    }).listen(0, ADDRESS);
    await once(tcp, 'listening');
    port = (tcp.address() as { port: number }).port;
    udp = createSocket('udp4').on('message', (question, from) => {
      for (const each of replies) udp.send(reply(question, each), from.port, from.address);
    });
    udp.bind(port, ADDRESS);
    await once(udp, 'listening');
  });

  afterEach(() => {
    udp.close();
    tcp.close();
  });

  const check = (options: DnsCheckOptions, signal?: AbortSignal) =>
    found(dnsCheck({ name: 'www.example.org', type: 'A', ...options }), contextOf(ADDRESS, port, signal));
  const addresses = (...last: number[]) => last.map((byte) => record('A', Buffer.of(192, 0, 2, byte)));

  it('passes with an answer that has the code and the records', async () => {
    replies = [{ records: [record('CNAME', wire('web.example')), ...addresses(1, 2)] }];
    const finding = await check({ answers: ['192.0.2.2'], minAnswers: 2 });
    assert.deepEqual(finding, { passed: true, message: 'NOERROR, 2 records A' });
    replies = [{ flags: 0x8183 }];
    assert.equal((await check({ code: 'NXDOMAIN' })).passed, true);
  });

  it('compares names in any case', async () => {
    replies = [{ records: [record('MX', Buffer.concat([Buffer.of(0, 5), wire('Mail.example')]))] }];
    assert.equal((await check({ type: 'MX', answers: ['5 MAIL.example'] })).passed, true);
  });

  const wrong: [what: string, reply: () => Reply, options: DnsCheckOptions, message: string][] = [
    ['another code', () => ({ flags: 0x8182 }), {}, 'SERVFAIL'],
    ['too few records', () => ({ records: addresses(1) }), { minAnswers: 2 }, '1 record A of at least 2'],
    ['no record', () => ({}), { answers: ['192.0.2.9'] }, 'no A 192.0.2.9 among 0 records A'],
    [
      'other records',
      () => ({ records: addresses(1, 2, 3, 4) }),
      { answers: ['192.0.2.9'] },
      'no A 192.0.2.9 among 4 records A: 192.0.2.1, 192.0.2.2, 192.0.2.3, ...',
    ],
    ['what is no answer', () => ({ flags: 0x0100 }), {}, 'a question in place of an answer'],
  ];
  for (const [what, more, options, message] of wrong)
    it(`fails with ${what}`, async () => {
      replies = [more()];
      assert.deepEqual(await check(options), { passed: false, reason: 'wrong answer', message });
    });

  it('passes over answers with another id, and fails with a flood of them', async () => {
    const stranger = { id: 1, flags: 0x8182 };
    replies = [stranger, stranger, {}];
    assert.equal((await check({})).passed, true);
    replies = Array.from({ length: 150 }, () => stranger);
    assert.equal((await check({})).message, 'an answer with another id');
  });

  it('asks by TCP when the answer is truncated, or at once', async () => {
    replies = [{ flags: 0x8380, records: addresses(1, 2), cut: 50 }];
    assert.equal((await check({ minAnswers: 2 })).message, 'NOERROR, 2 records A');
    udp.removeAllListeners('message');
    assert.equal((await check({ minAnswers: 2, transport: 'tcp' })).passed, true);
  });

  it('says that a connection has ended before the answer, and takes no more than one answer', async () => {
    byTcp = () => Buffer.of(0, 50, 1, 2);
    assert.equal((await check({ transport: 'tcp' })).reason, 'closed');
    byTcp = (question) => Buffer.concat([framed(reply(question, {})), Buffer.alloc(1 << 20)]);
    assert.equal((await check({ transport: 'tcp' })).passed, true);
  });

  it('ends when its time is over, by UDP or by TCP', async () => {
    const ending = new AbortController();
    udp.removeAllListeners('message').once('message', () => ending.abort(new Error('over')));
    await assert.rejects(check({}, ending.signal), /^Error: over$/);
    const later = new AbortController();
    tcp.removeAllListeners('connection').once('connection', () => later.abort(new Error('over')));
    const finding = await check({ transport: 'tcp' }, later.signal);
    assert.equal(finding.reason, 'timeout');
  });

  it('refuses names that are none', () => {
    for (const name of ['', 'a..b', `${'a'.repeat(64)}.b`, Array(130).fill('a').join('.')])
      assert.throws(() => dnsCheck({ name }), { code: 'ERR_TUNVS_INVALID_ARGUMENT', option: 'name' });
    assert.throws(() => dnsCheck({ type: 'ANY' as never }), { option: 'type' });
  });
});
