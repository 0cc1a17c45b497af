/** Who may ask a running daemon, and what others are told: by tunvsadm, by tunvs, by curl. */
import { strict as assert } from 'node:assert';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describeLab } from '../support/lab.js';
import { ADM } from '../support/tunvsadm.js';
import { beforeEachOperated, MAIN, type Operated, operatedConfig } from '../support/operated.js';

const NOBODY = 65534;
const STRANGER = 65533;
/** It is in no group file: numbers do. */
const GROUP = 12345;

const as = (user: number, ...groups: number[]) => [
  'setpriv',
  `--reuid=${user}`,
  `--regid=${user}`,
  ...(groups.length === 0 ? ['--clear-groups'] : [`--groups=${groups.join()}`]),
];

describeLab('users of a host with a daemon', () => {
  let operated: Operated;

  before(function () {
    if (!mapsNobody()) this.skip();
  });

  beforeEachOperated((each) => {
    operated = each;
  });

  const start = (...more: string[]) =>
    operated.start(['--config', operated.write('tunvs.yaml', operatedConfig({ '10.2.0.11': 1 })), ...more]);
  const socket = () => join(operated.run, 'tunvs.sock');
  const modes = () => [operated.run, socket()].map((path) => (statSync(path).mode & 0o7777).toString(8));
  const url = (path: string) => ['curl', '-sS', '--unix-socket', socket(), `http://tunvs${path}`];

  async function assertMay(user: readonly string[]): Promise<void> {
    for (const argv of [
      [process.execPath, ADM, '-Ln'],
      [process.execPath, ADM, '-e', '-t', '10.9.9.9:80', '-r', '10.2.0.11:80', '-i', '-w', '4'],
      [process.execPath, MAIN, 'status'],
      [process.execPath, MAIN, 'reload'],
      url('/v1/services'),
    ]) {
      const { code, stderr } = await operated.as(user, argv);
      assert.deepEqual([code, stderr], [0, ''], argv.join(' '));
    }
  }

  async function assertMayNot(user: readonly string[]): Promise<void> {
    const told: [argv: string[], sentence: RegExp][] = [
      [[process.execPath, ADM, '-Ln'], /^tunvsadm: this user may not use \S+tunvs\.sock: .*\broot\b.*--control-group/],
      [[process.execPath, ADM, '-C'], /^tunvsadm: this user may not use \S+tunvs\.sock: .*\broot\b.*--control-group/],
      ...['status', 'reload'].map((verb): [string[], RegExp] => [
        [process.execPath, MAIN, verb],
        new RegExp(
          `^tunvs ${verb}: \\S+tunvs\\.sock may not be used: it is for root, .*--control-group: run this as one`,
        ),
      ]),
      [url('/v1/services'), /^curl: \(7\)/],
      [url('/health'), /^curl: \(7\)/],
    ];
    for (const [argv, sentence] of told) {
      const { code, stdout, stderr } = await operated.as(user, argv);
      assert.notEqual(code, 0, argv.join(' '));
      assert.equal(stdout, '');
      assert.match(stderr, sentence);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    }
    assert.notDeepEqual(await operated.weights(), {});
  }

  it('have nothing of it but for root, whose folder nobody else can enter', async () => {
    await start();
    assert.deepEqual(modes(), ['700', '600']);
    await assertMay([]);
    await assertMayNot(as(NOBODY));
    await assertMayNot(as(STRANGER, GROUP));
  });

  it('in the group of --control-group may do everything, and others nothing', async () => {
    await start('--control-group', `${GROUP}`);
    assert.deepEqual(modes(), ['711', '660']);
    await assertMay([]);
    await assertMay(as(STRANGER, GROUP));
    await assertMay(as(NOBODY, 7, GROUP, 9));
    await assertMayNot(as(NOBODY));
    const listed = await operated.as(as(STRANGER, GROUP), ['ls', operated.run]);
    assert.notEqual(listed.code, 0);
  });

  it('who are the one of --user may, as may root, and a member of its group may not', async () => {
    await start('--user', `${NOBODY}:${NOBODY}`);
    assert.equal(statSync(socket()).uid, NOBODY);
    assert.deepEqual(modes(), ['700', '600']);
    await assertMay(as(NOBODY));
    await assertMay([]);
    await assertMayNot(as(STRANGER, NOBODY));
  });

  it('in a group that the user of --user is in too may ask its daemon', async () => {
    await start('--user', `${NOBODY}:${GROUP}`, '--control-group', `${GROUP}`);
    assert.deepEqual(modes(), ['711', '660']);
    await assertMay(as(STRANGER, GROUP));
    await assertMay(as(NOBODY));
    await assertMayNot(as(STRANGER));
  });
});

/** In a user namespace with one user there is nobody else to become. */
function mapsNobody(): boolean {
  const [, , count] = readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/);
  return Number(count) > NOBODY;
}
