import { strict as assert } from 'node:assert';
import { realserver } from '../../lib/cli/verbs/realserver.js';
import { cli, DRY_RUN_KEYS } from '../support/cli.js';

const dryRun = (...args: string[]) => cli(['realserver', '--dry-run', '--mode', 'userspace', ...args], [realserver]);

describe('tunvs realserver --dry-run', () => {
  const VIP = ['--vip', '192.0.2.10'];
  const DIRECTOR = ['--director', '10.254.0.2'];

  it('puts the virtual address on a tunnel device, or for direct routing on the loopback device', async () => {
    const tunnel = await dryRun(...VIP, ...DIRECTOR, '--device', 'rs7');
    assert.deepEqual([tunnel.exitCode, tunnel.stderr], [0, '']);
    assert.match(tunnel.stdout, /^ip link set dev rs7 up {2}# bring the device up$/m);
    assert.match(tunnel.stdout, /^ip address add 192\.0\.2\.10\/32 dev rs7 {2}# /m);
    const direct = await dryRun(...VIP, ...DIRECTOR, '--forwarding', 'dr');
    assert.match(direct.stdout, /^ip address add 192\.0\.2\.10\/32 dev lo {2}# /m);
    assert.doesNotMatch(direct.stdout, /tunvs-rs0/);
    const mixed = await dryRun(
      ...VIP,
      ...DIRECTOR,
      '--forwarding',
      'dr,gue',
      '--gue-port',
      '6080',
      '--gue-port',
      '6081',
    );
    assert.match(mixed.stdout, /^ip address add 192\.0\.2\.10\/32 dev lo {2}# /m);
    assert.match(mixed.stdout, /^ip link set dev tunvs-rs0 up {2}# /m);
  });

  it('takes directors as ranges, and both families', async () => {
    const { exitCode, stdout } = await dryRun(
      ...['--vip', '2001:db8:9::9', '--director', '10.2.1.0/28', '--director', '2001:db8:2::/64'],
    );
    assert.equal(exitCode, 0);
    assert.match(stdout, /^ip -6 address add 2001:db8:9::9\/128 dev tunvs-rs0 nodad {2}# /m);
  });

  it('prints the same as JSON, in the shape of every dry run', async () => {
    const { exitCode, stdout } = await dryRun(...VIP, ...DIRECTOR, '--json');
    const said = JSON.parse(stdout);
    assert.deepEqual([exitCode, Object.keys(said)], [0, DRY_RUN_KEYS]);
    const { event, verb, devices, host, rules } = said;
    assert.deepEqual([event, verb, devices, rules], ['dryRun', 'realserver', [{ name: 'tunvs-rs0' }], []]);
    const plain = await dryRun(...VIP, ...DIRECTOR);
    const shown = host.map((step: Record<string, string>) => `${step.command}  # ${step.description}\n`);
    assert.equal(`# the host\n${shown.join('')}`, plain.stdout);
  });

  it('refuses a device that opening would', async () => {
    const long = await dryRun(...VIP, ...DIRECTOR, '--device', 'a-name-of-22-characters');
    assert.equal(long.exitCode, 2);
    assert.match(long.stderr, /^tunvs realserver: --device: expected an interface name of 1 to 15 bytes/);
    const numbered = await dryRun(...VIP, ...DIRECTOR, '--device', 'rs%d%d');
    assert.match(numbered.stderr, /^tunvs realserver: --device: expected an interface name of 1 to 15 bytes/);
    const other = await dryRun(...VIP, ...DIRECTOR, '--device', 'lo');
    assert.deepEqual([other.exitCode, other.stdout], [1, '']);
    assert.match(other.stderr, /^tunvs realserver: network interface 'lo' exists and is not a TUN device/);
  });

  const mistakes: { what: string; args: string[]; mend: RegExp }[] = [
    { what: 'a method that is none', args: ['--forwarding', 'ipip,nat'], mend: /one or more of ipip, gue, gre, dr/ },
    { what: 'a port that is none', args: ['--forwarding', 'gue', '--gue-port', '0'], mend: /from 1 to 65535/ },
    { what: 'a range with bits beyond its prefix', args: ['--director', '10.2.1.5/24'], mend: /write 10\.2\.1\.0\/24/ },
  ];
  for (const { what, args, mend } of mistakes) {
    it(`refuses ${what} as wrong usage`, async () => {
      const { exitCode, stderr } = await dryRun(...VIP, ...DIRECTOR, ...args);
      assert.equal(exitCode, 2);
      assert.match(stderr, mend);
    });
  }
});
