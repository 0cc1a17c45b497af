/** `tunvs replay` says what of a capture it did not replay, and loses nothing that is whole. */
import { strict as assert } from 'node:assert';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replay } from '../../lib/cli/verbs/replay.js';
import { cli } from '../support/cli.js';
import { tcp } from '../support/packets.js';

const RULES = '-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 10.0.0.11 -i\n';
const MAGIC = { us: 0xa1b2c3d4, ns: 0xa1b23c4d };

function header(linkType: number, unit: keyof typeof MAGIC = 'us'): Buffer {
  const made = Buffer.alloc(24);
  made.writeUInt32LE(MAGIC[unit], 0);
  made.writeUInt16LE(2, 4);
  made.writeUInt16LE(4, 6);
  made.writeUInt32LE(262144, 16);
  made.writeUInt32LE(linkType, 20);
  return made;
}

function record(bytes: Uint8Array, { original = bytes.length, fraction = 0 } = {}): Buffer {
  const made = Buffer.alloc(16);
  [100, fraction, bytes.length, original].forEach((value, index) => {
    made.writeUInt32LE(value, index * 4);
  });
  return Buffer.concat([made, bytes]);
}

const syn = (port: number, payload = '') => tcp({ from: `198.51.100.7:${port}`, to: '192.0.2.1:80', payload });

describe('tunvs replay, of what it left out', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-skipped-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function replayed(capture: Buffer, ...more: string[]) {
    const [from, to] = [join(folder, 'in.pcap'), join(folder, 'out.pcap')];
    writeFileSync(from, capture);
    const args = ['replay', '--rules', '-', '--source', '10.2.0.2', '--in', from, '--out', to, ...more];
    const done = await cli(args, [replay], RULES);
    const stderr = done.stderr.replaceAll(`${from}: `, '');
    return { ...done, stderr, writtenBytes: readFileSync(to).length };
  }

  it('says nothing where nothing was', async () => {
    const { exitCode, stderr } = await replayed(Buffer.concat([header(101), record(syn(1000))]));
    assert.equal(exitCode, 0);
    assert.match(stderr, /^replayed 1 packets of 0\.000 s: 1 sent, in .*\n$/);
  });

  it('says how many records, and why; as JSON and in the stats too', async () => {
    const arp = Buffer.concat([Buffer.alloc(12, 1), Buffer.from([8, 6]), Buffer.alloc(28)]);
    const ethernet = (packet: Uint8Array) => Buffer.concat([Buffer.alloc(12, 1), Buffer.from([8, 0]), packet]);
    const capture = Buffer.concat([
      header(1),
      record(arp),
      record(ethernet(syn(1000))),
      record(arp),
      record(ethernet(syn(1001)).subarray(0, 40), { original: 54 }),
    ]);
    const { stderr, exitCode } = await replayed(capture);
    assert.equal(exitCode, 0);
    assert.match(stderr, /^tunvs replay: 2 records are not IP \(ARP and the like\), and left out$/m);
    assert.match(stderr, /^tunvs replay: 1 record is cut short by the snapshot length, .*tcpdump -s 0/m);
    const { stdout } = await replayed(capture, '--json');
    const skipped = { notIp: 2, truncated: 1, oversized: 0, cutOff: 0, superFrames: 0 };
    assert.deepEqual(JSON.parse(stdout).skipped, skipped);
    const stats = await replayed(capture, '--stats', '-');
    assert.deepEqual(JSON.parse(stats.stdout).skipped, skipped);
  });

  it('keeps every whole packet of a capture that is cut off', async () => {
    const whole = [1000, 1001, 1002].map((port) => record(syn(port)));
    const { exitCode, stderr, writtenBytes } = await replayed(
      Buffer.concat([header(101), ...whole, record(syn(1003)).subarray(0, 30)]),
    );
    assert.equal(exitCode, 0);
    assert.match(stderr, /ends inside a record: it was cut off there, and everything before that is replayed/);
    assert.match(stderr, /replayed 3 packets .* 3 sent/);
    assert.equal(writtenBytes, 24 + 3 * (16 + 60));
  });

  it('keeps what came before damage, and fails', async () => {
    const damaged = record(syn(1001));
    damaged.writeUInt32LE(0xffffffff, 8);
    const { exitCode, stderr, writtenBytes } = await replayed(Buffer.concat([header(101), record(syn(1000)), damaged]));
    assert.equal(exitCode, 1);
    assert.match(stderr, /record 2 says it holds 4294967295 bytes.*the file is damaged from there on/);
    assert.equal(writtenBytes, 24 + 16 + 60);
  });

  it('reads nanoseconds', async () => {
    const { exitCode, stderr } = await replayed(
      Buffer.concat([header(101, 'ns'), record(syn(1000)), record(syn(1001), { fraction: 250_000_000 })]),
    );
    assert.equal(exitCode, 0);
    assert.match(stderr, /^replayed 2 packets of 0\.250 s/);
  });

  it('names packets that offloads put together, and how to capture without', async () => {
    const { stderr } = await replayed(Buffer.concat([header(101), record(syn(1000, 'x'.repeat(4000)))]));
    assert.match(stderr, /1 packet is longer than the path MTU, .*ethtool -K ETH gro off gso off tso off/);
    const jumbo = await replayed(
      Buffer.concat([header(101), record(syn(1000, 'x'.repeat(4000)))]),
      '--path-mtu',
      '9000',
    );
    assert.doesNotMatch(jumbo.stderr, /ethtool/);
  });
});
