/** The systemd unit that the package brings. */
import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const UNIT = readFileSync(new URL('../../../packaging/systemd/tunvs@.service', import.meta.url), 'utf8');
const MAIN = new URL('../../lib/cli/main.js', import.meta.url).pathname;

/** The level that systemd calls OK ends at 5.0; the page docs/operate.md names this one. */
const EXPOSURE = 2.6;

const isMissing = spawnSync('systemd-analyze', ['--version']).error !== undefined;

describe('the systemd unit', () => {
  let folder: string;
  before(function () {
    if (isMissing) this.skip();
    folder = mkdtempSync(join(tmpdir(), 'tunvs-unit-'));
    // The command is not installed here.
    const unit = UNIT.replaceAll(/^(Exec\w+)=tunvs/gm, `$1=${process.execPath} ${MAIN}`);
    writeFileSync(join(folder, 'tunvs@.service'), unit);
  });
  after(() => folder && rmSync(folder, { recursive: true }));

  it('is taken by systemd without a word about it', () => {
    const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', join(folder, 'tunvs@web.service')], {
      encoding: 'utf8',
    });
    // It also speaks of other units of the machine.
    const said = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('tunvs'));
    assert.deepEqual(said, []);
  });

  it('exposes no more than the documentation says', function () {
    const args = ['security', '--offline=yes', '--no-pager', join(folder, 'tunvs@.service')];
    const { stdout } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
    const level = /Overall exposure level for \S+: (\d+\.\d+)/.exec(stdout)?.[1];
    // systemd before 250 knows no --offline.
    if (level === undefined) return this.skip();
    assert.ok(Number(level) <= EXPOSURE, stdout);
  });

  const COMMANDS = { ExecStart: ['run', '--name', '--config'], ExecReload: ['reload', '--name'] };
  for (const [field, [verb = '', ...options]] of Object.entries(COMMANDS)) {
    it(`calls tunvs ${verb} with options that there are`, () => {
      const line = new RegExp(`^${field}=tunvs ${verb} (.*)$`, 'm').exec(UNIT)?.[1];
      assert.deepEqual(line?.match(/--[a-z-]+/g), options);
      const { stdout } = spawnSync(process.execPath, [MAIN, verb, '--help'], { encoding: 'utf8' });
      for (const option of options) assert.ok(stdout.includes(` ${option} <`), option);
    });
  }
});
