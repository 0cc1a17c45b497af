/** The commands take keepalived's configuration. */
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verbs } from '../../lib/cli/verbs/index.js';
import { parseConfig } from '../../lib/config/parse-config.js';
import { cli } from '../support/cli.js';

const TEXT = `virtual_server 192.0.2.1 80 {
  protocol TCP
  lvs_sched wrr
  lvs_method TUN
  @blue weight 7
  smtp_alert
  real_server 198.51.100.1 80 { TCP_CHECK { } }
}
`;

describe("the commands on keepalived's configuration", () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-keepalived-'));
    file = join(folder, 'keepalived.conf');
    writeFileSync(file, TEXT);
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it('check says what is not done, and all mistakes', async () => {
    const fine = await cli(['check', file], verbs);
    assert.deepEqual([fine.exitCode, fine.stdout], [0, '']);
    assert.match(fine.stderr, /^warning: .*keepalived\.conf:6:1: smtp_alert is not done: /);
    writeFileSync(file, `${TEXT.replace('wrr', 'wr')}nonsense\n`);
    const wrong = await cli(['check', '--json', file], verbs);
    assert.equal(wrong.exitCode, 1);
    assert.deepEqual(
      JSON.parse(wrong.stdout).mistakes.map(({ line }: { line: number }) => line),
      [3, 9],
    );
  });

  it('check takes standard input by an option', async () => {
    assert.equal((await cli(['check', '--keepalived', '-'], verbs, TEXT)).exitCode, 0);
    assert.equal((await cli(['check', '-'], verbs, TEXT)).exitCode, 1);
  });

  it('convert prints a configuration, with conditional lines chosen', async () => {
    const source = '192.0.2.250';
    for (const [id, weight] of [
      ['blue', 7],
      ['green', undefined],
    ] as const) {
      const words = ['convert', '--to', 'yaml', '--keepalived-id', id, '--source', source, file];
      const { exitCode, stdout } = await cli(words, verbs);
      assert.equal(exitCode, 0);
      const read = parseConfig(stdout, { path: 'any.yaml' });
      assert.ok('spec' in read);
      assert.equal(read.spec.source, source);
      assert.equal(read.spec.services?.[0]?.servers?.[0]?.weight, weight);
    }
  });

  it('convert takes servers without a method for those of NAT, each with the port of its line', async () => {
    const methods = ['', 'lvs_method NAT', 'lvs_method TUN', 'lb_kind DR'];
    const services = methods.map(
      (method, index) =>
        `virtual_server 192.0.2.${index + 1} 80 {\n protocol TCP\n ${method}\n real_server 10.2.0.11 8080 { }\n}\n`,
    );
    writeFileSync(file, services.join(''));
    const { exitCode, stdout, stderr } = await cli(['convert', '--to', 'yaml', '--source', '10.2.0.2', file], verbs);
    assert.equal(exitCode, 0);
    const read = parseConfig(stdout, { path: 'any.yaml' });
    assert.ok('spec' in read);
    assert.deepEqual(
      (read.spec.services ?? []).map(({ servers }) => servers?.[0]),
      [
        { address: '10.2.0.11', port: 8080, forwarding: 'nat' },
        { address: '10.2.0.11', port: 8080, forwarding: 'nat' },
        { address: '10.2.0.11' },
        { address: '10.2.0.11', forwarding: 'dr' },
      ],
    );
    // Tunnels and DR change no port.
    const lines = [...stderr.matchAll(/conf:(\d+):\d+: real_server gets packets at port 80, not at port 8080/g)];
    assert.deepEqual(
      lines.map(([, line]) => line),
      ['14', '19'],
    );
  });

  it('convert takes the source from the environment where nobody gives it', async () => {
    const { stdout } = await cli(['convert', file], verbs);
    assert.match(stdout, /^source:\n {2}env: TUNVS_SOURCE$/m);
  });

  it('convert prints rules, and names what they cannot hold', async () => {
    const { stdout, stderr } = await cli(['convert', '--to', 'rules', file], verbs);
    assert.match(stdout, /^-A -t 192\.0\.2\.1:80 -s wrr\n-a -t 192\.0\.2\.1:80 -r 198\.51\.100\.1:80 -i -w 1/);
    assert.match(stderr, /services\[0\]\.health is left out/);
  });

  it('convert refuses mistakes', async () => {
    writeFileSync(file, TEXT.replace('TUN', 'NOT'));
    const { exitCode, stdout, stderr } = await cli(['convert', file], verbs);
    assert.deepEqual([exitCode, stdout], [1, '']);
    assert.match(stderr, /:4:1: lvs_method cannot be "NOT": write NAT, DR or TUN/);
  });

  it('run asks for the source, and for one configuration', async () => {
    const bare = await cli(['run', '--keepalived', file], verbs);
    assert.equal(bare.exitCode, 2);
    assert.match(bare.stderr, /give it with --source/);
    const both = await cli(['run', '--keepalived', file, '--rules', 'x', '--source', '192.0.2.250'], verbs);
    assert.equal(both.exitCode, 2);
    assert.match(both.stderr, /--keepalived excludes --config and --rules/);
  });

  it('run plans what the file wants', async () => {
    const { exitCode, stdout } = await cli(
      ['run', '--keepalived', file, '--source', '192.0.2.250', '--dry-run'],
      verbs,
    );
    assert.equal(exitCode, 0);
    assert.match(stdout, /198\.51\.100\.1/);
  });
});
