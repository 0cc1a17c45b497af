/** What a director refuses of full NAT, `check` and `--dry-run` refuse in the same words. */
import { strict as assert } from 'node:assert';
import { rm, writeFile, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verbs } from '../../lib/cli/verbs/index.js';
import { applySpec } from '../../lib/config/apply/spec-session.js';
import type { Spec } from '../../lib/config/spec.js';
import { Director } from '../../lib/director/director.js';
import { cli } from '../support/cli.js';

const WEB = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
const SNAT = { address: '10.2.0.11', port: 8080, forwarding: 'snat' } as const;
const NO_ADDRESS = 'full NAT has no IPv4 address to give to packets for 10.2.0.11';
const NO_SERVER = "10.2.0.11 can't be a real server, because full NAT gives this address to packets as their source";

/** The sentence, where it is said, and what is wrong. */
const REFUSED: readonly [sentence: string, path: string, wrong: Omit<Spec, 'source'>][] = [
  [NO_ADDRESS, 'services[0].servers[1]', { services: [{ ...WEB, servers: [{ address: '10.2.0.12' }, SNAT] }] }],
  [NO_ADDRESS, 'services[0].sorryServers[0]', { services: [{ ...WEB, sorryServers: [SNAT] }] }],
  [
    'at most 256 addresses of each family',
    'fullNat.sources',
    { fullNat: { sources: ['10.1.0.0/23'] }, services: [{ ...WEB, servers: [SNAT] }] },
  ],
  [
    'at most 256 addresses of each family',
    'fullNat.sources',
    { fullNat: { sources: ['10.1.0.0/24', '10.2.9.1'] }, services: [] },
  ],
  [
    NO_SERVER,
    'services[0].servers[0]',
    { fullNat: { sources: ['10.2.0.8/29'] }, services: [{ ...WEB, servers: [{ address: '10.2.0.11' }] }] },
  ],
];

/** A director that is opened with all that a file says. */
async function opened(spec: Spec): Promise<void> {
  const { source, fullNat } = spec;
  await using director = Director.offline({ source, maxConnections: 1024, ...(fullNat && { fullNat }) });
  await applySpec(director, spec);
}

describe('what a director refuses of full NAT', () => {
  let folder: string;
  let file: string;
  const write = (spec: object) => writeFile(file, JSON.stringify(spec));

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tunvs-full-nat-'));
    file = join(folder, 'tunvs.json');
  });
  after(() => rm(folder, { recursive: true }));

  for (const [sentence, path, wrong] of REFUSED) {
    const spec: Spec = { source: '10.2.0.2', ...wrong };
    it(`is refused by check and by --dry-run, at ${path}: ${sentence}`, async () => {
      await assert.rejects(opened(spec), (error: Error) => error.message.includes(sentence));
      await write(spec);
      for (const words of [
        ['check', file],
        ['run', '--config', file, '--dry-run'],
      ]) {
        const { exitCode, stderr } = await cli(words, verbs);
        assert.equal(exitCode, 1, words.join(' '));
        assert.ok(stderr.includes(`: ${path}: `) && stderr.includes(sentence), stderr);
      }
    });
  }

  it('is not refused where the command line has what the file lacks', async () => {
    await write({ source: '10.2.0.2', services: [{ ...WEB, servers: [SNAT] }] });
    const run = ['run', '--config', file, '--dry-run', '--device', 'tunvsx9'];
    assert.equal((await cli([...run, '--nat-source', '10.2.9.1'], verbs)).exitCode, 0);
    const { exitCode, stderr } = await cli([...run, '--nat-source', '10.2.0.11'], verbs);
    assert.deepEqual([exitCode, stderr.includes(NO_SERVER)], [1, true]);
  });

  it('is no second mistake where the schema refuses what full NAT has', async () => {
    await write({ source: '10.2.0.2', fullNat: { sources: [] }, services: [{ ...WEB, servers: [SNAT] }] });
    const { stderr } = await cli(['check', file], verbs);
    assert.match(stderr, /^\S+: fullNat\.sources: .*\n.*: 1 mistake: /);
  });

  it('is told by convert, whose rules cannot name the addresses, unless they are given', async () => {
    const rules = '-A -t 192.0.2.1:80\n-a -t 192.0.2.1:80 -r 10.2.0.11:8080 -m --full-nat --client-address toa\n';
    const convert = ['convert', '-', '--source', '10.2.0.2'];
    const bare = await cli(convert, verbs, rules);
    assert.match(bare.stderr, /^warning: -: the rules use full NAT, .*--nat-source, or write fullNat\.sources into/);
    const { stdout, stderr } = await cli([...convert, '--nat-source', '10.2.9.0/30'], verbs, rules);
    assert.equal(stderr, '');
    assert.match(stdout, /fullNat:\n {2}sources:\n? .*10\.2\.9\.0\/30[\s\S]*forwarding: snat, clientAddress: toa/);
    const checked = await cli(['check', '-'], verbs, stdout);
    assert.deepEqual([checked.exitCode, checked.stderr], [0, '']);
    assert.equal((await cli(['check', '-'], verbs, bare.stdout.replace('env: TUNVS_SOURCE', ''))).exitCode, 1);
  });
});

describe('a port of its own', () => {
  it('needs a method that changes ports, which the mistake names', async () => {
    const spec = { source: '10.2.0.2', services: [{ ...WEB, servers: [{ address: '10.2.0.11', port: 8080 }] }] };
    const { stderr } = await cli(['check', '-'], verbs, JSON.stringify(spec));
    assert.match(
      stderr,
      /write 80, .* because 'ipip' leaves ports as they are: or choose the forwarding 'nat' or 'snat'/,
    );
  });
});
