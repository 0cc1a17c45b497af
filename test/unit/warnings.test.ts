/** Whoever listens hears of what is odd as a warning; refusals name the option in the words of whoever gave it. */
import { strict as assert } from 'node:assert';
import { explain } from '../../lib/cli/verbs/explain.js';
import { realserver } from '../../lib/cli/verbs/realserver.js';
import { run } from '../../lib/cli/verbs/run.js';
import { Director } from '../../lib/director/director.js';
import type { DirectorWarning } from '../../lib/director/events.js';
import { native } from '../../lib/native/addon.js';
import { cli } from '../support/cli.js';

describe('a director', () => {
  it('warns of a scheduler that datagrams by themselves make useless, when it is chosen and in a transaction too', async () => {
    await using director = Director.offline({ source: '10.2.0.2' });
    const said: DirectorWarning[] = [];
    director.on('warning', (warning) => said.push(warning));
    const dns = director.addVirtualService({ protocol: 'udp', address: '192.0.2.1', port: 53, onePacket: true });
    assert.equal(said.length, 1);
    assert.equal(said[0]?.about, 'configuration');
    assert.match(said[0]?.message as string, /^udp 192\.0\.2\.1:53: the scheduler wlc compares numbers of connections/);
    dns.edit({ scheduler: 'wrr' });
    assert.equal(said.length, 1);
    director.transaction(() => dns.edit({ scheduler: 'sed' }));
    assert.equal(said.length, 2);
    assert.deepEqual(director.warnings, []);
  });

  it('says for every verdict what becomes of a packet and why', () => {
    assert.equal(native.verdictInfos.length, native.verdicts.length);
    const sentences = native.verdictInfos.map(({ sentence }) => sentence);
    assert.equal(new Set(sentences).size, sentences.length);
    for (const [index, { kind, sentence }] of native.verdictInfos.entries()) {
      const verdict = native.verdicts[index] as string;
      assert.equal(kind === 'dropped', verdict.startsWith('drop'), verdict);
      assert.match(sentence, /^[a-z].*[^.]$/, verdict);
    }
  });

  it('explains a ping, and a packet that is too long, as what they are', async () => {
    await using director = Director.offline({ source: '10.2.0.2', pathMtu: 600 });
    const service = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80, scheduler: 'rr' });
    service.addRealServer({ address: '10.0.0.11' });
    const ping = Uint8Array.from(Buffer.from('4500001c000000004001000000000000c0000201' + '0800f7ff00000000', 'hex'));
    ping.set([198, 51, 100, 7], 12);
    let sum = 0;
    for (let at = 0; at < 20; at += 2) sum += ((ping[at] as number) << 8) | (ping[at + 1] as number);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    ping.set([(~sum >> 8) & 0xff, ~sum & 0xff], 10);
    assert.equal(director.explain(ping).text, 'Answered (answeredEcho): it is an echo request for a virtual address.');
    assert.deepEqual(director.process(ping, 1).verdicts, ['answeredEcho']);
  });
});

/** Every row: a command line, and how its refusal begins. */
const REFUSALS: [string, RegExp][] = [
  ['run --rules - --source 10.2.0.2 --device a-name-of-16-char', /^tunvs run: --device: expected an interface name/],
  ['run --rules - --source 127.0.0.1', /--source .* cannot be the source of packets to other hosts/],
  ['run --rules - --source fe80::1', /--source .* cannot be the source of packets to other hosts/],
  ['realserver --vip 224.0.0.1 --director 10.2.0.2 --dry-run', /^tunvs realserver: --vip: expected a unicast/],
  ['realserver --vip fe80::1 --director 10.2.0.2 --dry-run', /^tunvs realserver: --vip: .* is link-local/],
  ['realserver --vip 10.9.9.9 --director 10.2.0.2 --gue-port 5 --dry-run', /^tunvs realserver: --gue-port: expected/],
  [
    'explain --rules - --source 10.2.0.2 --client 1.2.3.4:5 --virtual [2001:db8::1]:80',
    /^tunvs explain: --virtual: expected an address of the client's family/,
  ],
  [
    'explain --rules - --source 10.2.0.2 --client 1.2.3.4:5 --virtual 192.0.2.1:80 --flags X',
    /^tunvs explain: --flags: expected letters/,
  ],
];

describe('a command line that the library refuses', () => {
  for (const [line, message] of REFUSALS) {
    it(`names the option: ${line}`, async () => {
      const { exitCode, stderr } = await cli(line.split(' '), [run, realserver, explain], '-A -t 192.0.2.1:80\n');
      assert.match(stderr, message);
      assert.equal(exitCode, 2);
    });
  }
});
