/** `tunvs run --config` as an operator uses it: looked at, changed by hand, reloaded, and given mistakes. */
import { strict as assert } from 'node:assert';
import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { eventually, eventuallyHolds } from '../support/eventually.js';
import { describeLab, type LabHost } from '../support/lab.js';
import { beforeEachOperated, type Operated, operatedConfig } from '../support/operated.js';

const [FIRST, SECOND, THIRD] = ['10.2.0.11', '10.2.0.12', '10.2.0.13'] as const;
const SERVICE = '10.9.9.9:80';

describeLab('tunvs run from a file', function () {
  this.timeout(120_000);
  let host: LabHost;
  let operated: Operated;

  beforeEachOperated((each) => {
    operated = each;
    host = each.host;
  });

  const configure = (servers: Record<string, number>, more = '') =>
    operated.write('tunvs.yaml', operatedConfig(servers, more));

  const RULES = {
    option: '--rules',
    more: ['--source', '10.2.0.2', '--queues', '1'],
    write: (servers: Record<string, number>) =>
      operated.write(
        'web.rules',
        [
          `-A -t ${SERVICE} -s wrr`,
          ...Object.entries(servers).map(([address, weight]) => `-a -t ${SERVICE} -r ${address}:80 -i -w ${weight}`),
          '',
        ].join('\n'),
      ),
    mistakes: ['-A nonsense', '-a -t 10.9.9.9:80 -r 10.2.0.2:99999'],
  };
  const CONFIG = {
    option: '--config',
    more: [],
    write: configure,
    mistakes: ['services: [{ listen: "tcp 10.9.9.9:99999" }]', 'colour: red'],
  };

  for (const { option, more, write, mistakes } of [CONFIG, RULES]) {
    it(`takes what its ${option} changed, keeps what was changed by hand, and changes nothing for a mistake`, async () => {
      const file = write({ [FIRST]: 3, [SECOND]: 1 });
      const daemon = await operated.start([option, file, ...more]);
      assert.deepEqual(await operated.weights(), { [FIRST]: 3, [SECOND]: 1 });

      const byHand = await operated.adm('-e', '-t', SERVICE, '-r', `${FIRST}:80`, '-i', '-w', '7');
      assert.deepEqual([byHand.code, byHand.stderr], [0, '']);
      write({ [FIRST]: 3, [SECOND]: 2, [THIRD]: 5 });
      const planned = await operated.tunvs('reload', '--dry-run');
      assert.match(planned.stdout, /^2 changes would be made\n/);
      assert.match(planned.stdout, new RegExp(THIRD.replaceAll('.', '\\.')));
      assert.deepEqual(await operated.weights(), { [FIRST]: 7, [SECOND]: 1 });
      const reloaded = await operated.tunvs('reload');
      assert.equal(reloaded.stdout.replace('2 changes', '2 changes would be made'), planned.stdout);
      assert.deepEqual(await operated.weights(), { [FIRST]: 7, [SECOND]: 2, [THIRD]: 5 });

      operated.write(file.slice(operated.folder.length + 1), `${mistakes.join('\n')}\n`);
      for (const words of [['reload'], ['reload', '--dry-run']]) {
        const refused = await operated.tunvs(...words);
        assert.equal(refused.code, 1);
        assert.equal(refused.stdout, '');
        assert.match(refused.stderr, /^tunvs reload: .*(tunvs\.yaml|web\.rules):\d/);
        assert.match(refused.stderr, /99999/);
        assert.match(refused.stderr, option === '--config' ? /colour/ : /"nonsense" belongs to no option/);
      }
      assert.deepEqual(await operated.weights(), { [FIRST]: 7, [SECOND]: 2, [THIRD]: 5 });
      assert.match(daemon.stderr, /^tunvs run: the (configuration stays as it is|rules stay as they are): /m);

      write({ [FIRST]: 3, [SECOND]: 2 });
      assert.match((await operated.tunvs('reload', '--reset')).stdout, /^2 changes\n/);
      assert.deepEqual(await operated.weights(), { [FIRST]: 3, [SECOND]: 2 });
      write({ [FIRST]: 4, [SECOND]: 2 });
      daemon.kill('SIGHUP');
      await daemon.line((line) => / read again: 1 change$/.test(line) && daemon.lines.indexOf(line) > 2);
      await eventuallyHolds(async () => assert.deepEqual(await operated.weights(), { [FIRST]: 4, [SECOND]: 2 }));
      const json = JSON.parse((await operated.tunvs('reload', '--json')).stdout);
      assert.deepEqual(json, { changes: [], mended: 0 });
    });
  }

  it('shows what runs and where each value comes from; the command line counts more than the file', async () => {
    const file = configure({ [FIRST]: 1 }, 'maxConnections: 8192');
    await operated.start(['--config', file, '--device', 'lvs7', '--max-connections', '4096']);
    assert.equal(await host.hasDevice('lvs7'), true);
    const { stdout } = await operated.tunvs('config', 'show');
    assert.match(stdout, /^maxConnections: 4096$/m);
    assert.match(stdout, /^device\.name: "lvs7"$/m);
    assert.match(stdout, /^services\[0\]\.servers\[0\]\.address: "10\.2\.0\.11" {2}# \S+tunvs\.yaml:8$/m);
    const screen = await operated.tunvs('status');
    assert.equal(screen.code, 0);
    assert.match(screen.stdout, /^device +lvs7 /m);
    assert.match(screen.stdout, /10\.2\.0\.11:80 +up +1 /);
    const status = JSON.parse((await operated.tunvs('status', '--json')).stdout);
    assert.equal(status.device.name, 'lvs7');
    // A reload takes the command line's word again, and does not ask for a restart for it.
    assert.match((await operated.tunvs('reload')).stdout, /^0 changes\n$/);
  });

  it('reads its files again by itself, however they change', async () => {
    operated.write('one/tunvs.yaml', operatedConfig({ [FIRST]: 1 }, 'include: services.d'));
    mkdirSync(operated.path('one/services.d'));
    symlinkSync('one', operated.path('current'));
    const daemon = await operated.start(['--config', operated.path('current/tunvs.yaml'), '--reload-on-change']);
    const become = (weights: Record<string, number>, why: string) =>
      eventually(
        () => operated.weights(),
        (seen) => isDeepStrictEqual(seen, weights),
        why,
      );

    operated.write('one/tunvs.yaml', operatedConfig({ [FIRST]: 2 }, 'include: services.d'));
    await become({ [FIRST]: 2 }, 'a file written in place');
    operated.write('one/next', operatedConfig({ [FIRST]: 3 }, 'include: services.d'));
    renameSync(operated.path('one/next'), operated.path('one/tunvs.yaml'));
    await become({ [FIRST]: 3 }, 'a file replaced by renaming');
    operated.write(
      'one/services.d/mail.yaml',
      `listen: tcp 10.9.9.8:25\nservers: [{ address: ${SECOND}, weight: 9 }]\n`,
    );
    await become({ [FIRST]: 3, [SECOND]: 9 }, 'the first file of an included folder');
    operated.write(
      'one/services.d/mail.yaml',
      `listen: tcp 10.9.9.8:25\nservers: [{ address: ${SECOND}, weight: x }]\n`,
    );
    await eventually(
      async () => daemon.stderr,
      (said) => said.includes('the configuration stays as it is'),
      'a mistake is told',
    );
    rmSync(operated.path('one/services.d/mail.yaml'));
    await become({ [FIRST]: 3 }, 'a file of an included folder that is gone');
    operated.write('two/tunvs.yaml', operatedConfig({ [THIRD]: 4 }, 'include: services.d'));
    mkdirSync(operated.path('two/services.d'));
    symlinkSync('two', operated.path('next'));
    renameSync(operated.path('next'), operated.path('current'));
    await become({ [THIRD]: 4 }, 'a link that leads elsewhere');
    rmSync(operated.path('two/tunvs.yaml'));
    await eventually(
      async () => daemon.stderr,
      (said) => said.includes('there is no such file'),
      'a file that is gone is told',
    );
    assert.deepEqual(await operated.weights(), { [THIRD]: 4 });
    operated.write('two/tunvs.yaml', operatedConfig({ [THIRD]: 5 }));
    await become({ [THIRD]: 5 }, 'a file that is back');
  });
});
