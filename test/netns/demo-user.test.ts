/** The demo of an ordinary user, who is root of a user namespace for it: what SIGKILL leaves behind. */
import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { eventually, eventuallyHolds } from '../support/eventually.js';
import { describeLab, LabProcess } from '../support/lab.js';
import { processes } from '../support/processes.js';

const MAIN = new URL('../../lib/cli/main.js', import.meta.url).pathname;
const NOBODY = '65534';

/** In a mount namespace of its own, in which everybody may open the TUN device. */
const OPEN_TO_ALL =
  'mount -t tmpfs -o mode=755 tmpfs /run && mknod -m 666 /run/tun c 10 200 && mount --bind /run/tun /dev/net/tun && exec "$@"';

function asUser(...argv: string[]): string[] {
  const user = ['setpriv', '--reuid', NOBODY, '--regid', NOBODY, '--clear-groups'];
  const clean = ['env', '-u', 'TUNVS_IN_NAMESPACE', 'HOME=/tmp'];
  return ['unshare', '-m', 'sh', '-c', OPEN_TO_ALL, 'sh', ...user, ...clean, ...argv];
}

/** Why such a user cannot be had here. */
function problem(): string | undefined {
  const [file = '', ...args] = asUser('sh', '-c', `test -r ${MAIN} && test -w /dev/net/tun && unshare -Urnm true`);
  const { status, stderr } = spawnSync(file, args, { encoding: 'utf8', cwd: '/' });
  return status === 0 ? undefined : stderr || 'the user may not read this copy, or open the TUN device';
}

/** The user's processes that belong to a demo of this copy. */
function left(): { pid: number; parent: number; words: string }[] {
  return processes()
    .filter(({ status }) => /^Uid:\t(\d+)/m.exec(status)?.[1] === NOBODY)
    .map(({ pid, status, words }) => ({
      pid,
      parent: Number(/^PPid:\t(\d+)/m.exec(status)?.[1]),
      words: words.join(' '),
    }))
    .filter(({ words }) => words.includes(MAIN.replace('cli/main.js', '')));
}

const folders = (pid: number) => readdirSync(tmpdir()).filter((name) => name.startsWith(`tunvs-lab-${pid}-`));

describeLab('tunvs demo of an ordinary user', function () {
  this.timeout(90_000);

  before(function () {
    if (problem() !== undefined) this.skip();
  });

  for (const which of ['its first process', 'its process in the user namespace'] as const) {
    it(`leaves nothing that the next one does not clear when SIGKILL ends ${which}`, async () => {
      const demo = new LabProcess(asUser(process.execPath, MAIN, 'demo', '--json', '--requests', '30'));
      await demo.line((line) => line.includes('"event":"scene"'), 30_000);
      const inner = await eventually(
        async () => left().find(({ parent }) => parent === demo.pid)?.pid ?? 0,
        (pid) => pid !== 0,
        'the process in the user namespace',
      );
      assert.ok(left().length > 5 && folders(inner).length > 0);
      if (which === 'its first process') demo.kill('SIGKILL');
      else process.kill(inner, 'SIGKILL');
      await demo.exited;
      await eventuallyHolds(async () => assert.deepEqual(left(), []));
      const next = new LabProcess(asUser(process.execPath, MAIN, 'demo', '--requests', '30'));
      assert.equal((await next.exited).code, 0, next.stderr);
      assert.deepEqual([left(), folders(inner)], [[], []]);
    });
  }
});
