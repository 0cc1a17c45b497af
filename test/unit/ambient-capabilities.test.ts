/** What programs that checks and news start get of the capabilities of a director that is not root's. */
import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../support/programs/ambient.js', import.meta.url));
const CAPS = '+net_admin,+net_raw';
const AS = ['--reuid=65534', '--regid=65534', '--clear-groups', `--inh-caps=${CAPS}`, `--ambient-caps=${CAPS}`];

describe('a director with ambient capabilities', () => {
  it('gives them to what sets up the host, and not to exec checks and scripts', function () {
    if (spawnSync('setpriv', [...AS, process.execPath, '--version']).status !== 0) this.skip();
    const { stdout, stderr } = spawnSync('setpriv', [...AS, process.execPath, PROGRAM], { encoding: 'utf8' });
    assert.equal(stderr, '');
    assert.deepEqual(JSON.parse(stdout), { before: true, check: false, command: false, after: true });
  });
});
