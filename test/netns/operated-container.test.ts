/**
 * A director in what a container gives it by docs/operate.md: a root of its own, the device, two capabilities, and
 * /proc/sys that cannot be written. Where there is no container runtime, unshare and mounts make one.
 */
import { strict as assert } from 'node:assert';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeLab, TestStage } from '../support/lab.js';
import { Operated } from '../support/operated.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
const TWO = '0000000000003000';
const KEPT = '-all,+net_admin,+net_raw';

describeLab('a director in a container', () => {
  let stage: TestStage;
  let operated: Operated;

  before(async () => {
    stage = await TestStage.open();
    operated = new Operated(stage.director);
  });

  after(async () => {
    await operated?.[Symbol.asyncDispose]();
    await stage?.close();
  });

  /** Read-only but for /run, with programs and libraries of this host, this package, and its configuration. */
  function container(): string[] {
    const image = operated.path('image');
    const shown = [...new Set(['/usr', '/bin', '/lib', '/lib64', '/sbin', dirname(process.execPath), ROOT])];
    for (const each of [image, operated.path('etc'), operated.run]) mkdirSync(each, { recursive: true });
    const mounts = [
      'mount -t tmpfs -o mode=755 tmpfs "$0"',
      ...shown.map((path) => `if [ -e ${path} ]; then mkdir -p "$0${path}"; mount --rbind ${path} "$0${path}"; fi`),
      `mkdir -p "$0/proc" "$0/sys" "$0/dev/net" "$0/run" "$0/tmp" "$0${operated.folder}"`,
      `mount --bind ${operated.path('etc')} "$0${operated.folder}"`,
      'mount -t proc proc "$0/proc"',
      'mount --bind "$0/proc/sys" "$0/proc/sys"',
      'mount -o remount,bind,ro "$0/proc/sys"',
      'touch "$0/dev/net/tun" "$0/dev/null"',
      'mount --bind /dev/net/tun "$0/dev/net/tun"',
      'mount --bind /dev/null "$0/dev/null"',
      // The test asks the socket from outside.
      `mkdir -p "$0${operated.run}"`,
      `mount --bind ${operated.run} "$0${operated.run}"`,
      'mount -o remount,ro "$0"',
      'exec chroot "$0" "$@"',
    ];
    return [
      ...['unshare', '-mpf', '--kill-child', 'sh', '-ec', mounts.join('\n'), image],
      ...['setpriv', '--no-new-privs', `--inh-caps=${KEPT}`, `--ambient-caps=${KEPT}`, `--bounding-set=${KEPT}`],
    ];
  }

  function configure(weights: readonly number[]): string {
    const servers = stage.servers.map(({ address }, index) => ({ address, weight: weights[index] ?? 1 }));
    const listen = `tcp ${stage.virtualAddress}:80`;
    const spec = { source: stage.topology.directorAddress, services: [{ listen, scheduler: 'wrr', servers }] };
    operated.write('etc/tunvs.json', JSON.stringify(spec));
    return operated.path('tunvs.json');
  }

  const within = () => ({ before: container() });

  it('names the sysctls that it needs where it may not write them', async () => {
    await stage.director.setSysctls({ 'net/ipv4/ip_forward': '0' });
    const daemon = operated.spawn(['--config', configure([1, 1, 1])], within());
    assert.equal((await daemon.exited).code, 1);
    assert.match(
      daemon.stderr,
      /^tunvs run: \/proc\/sys is read-only here: start the container with "(--sysctl \S+=\S+ ?)+"/m,
    );
  });

  it('opens, forwards, reloads and ends with two capabilities, given those sysctls', async () => {
    const refused = operated.spawn(['--config', configure([1, 1, 1])], within());
    await refused.exited;
    const named = [...refused.stderr.matchAll(/--sysctl (\S+?)=([^\s"]+)/g)];
    for (const [, name = '', value = ''] of named)
      await stage.director.setSysctls({ [name.replaceAll('.', '/')]: value });
    const daemon = await operated.start(['--config', configure([1, 1, 1])], within());
    const { failures, servers } = await stage.fetchMany({ requests: 30, concurrency: 5 });
    assert.deepEqual(failures, []);
    assert.equal(Object.keys(servers).length, 3);
    const { pid } = JSON.parse((await operated.tunvs('status', '--json')).stdout);
    assert.equal(pid, 1);
    const inside = (
      await stage.director.exec(['pgrep', '-n', '-f', `^${process.execPath} .*${operated.path('tunvs.json')}`])
    ).stdout.trim();
    const { stdout } = await stage.director.exec(['cat', `/proc/${inside}/status`]);
    for (const kind of ['Prm', 'Eff', 'Bnd', 'Amb']) assert.match(stdout, new RegExp(`^Cap${kind}:\t${TWO}$`, 'm'));

    configure([1, 0, 0]);
    assert.match((await operated.tunvs('reload')).stdout, /^2 changes\n/);
    const after = await stage.fetchMany({ requests: 10, concurrency: 5 });
    assert.deepEqual([after.failures, Object.keys(after.servers).length], [[], 1]);
    // The runtime signals the first process of the container.
    await stage.director.exec(['kill', '-TERM', inside]);
    assert.deepEqual(await daemon.exited, { code: 0, signal: null });
    assert.equal(await stage.director.hasDevice('tunvs0'), false);
  });
});
