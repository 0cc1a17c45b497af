/** The files of a configuration on the disk. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../lib/config/parse-config.js';
import { diskFiles, whyUnread } from '../../lib/config/read/files.js';
import { parseKeepalived } from '../../lib/keepalived/parse-keepalived.js';

describe('the files of a configuration', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-files-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('are warned of where any user can change them, a policy among them', () => {
    const path = join(folder, 'tunvs.yaml');
    const text = 'source: 10.2.0.2\ninclude: web.yaml\n';
    writeFileSync(path, text);
    writeFileSync(join(folder, 'web.yaml'), 'listen: tcp 192.0.2.1:80\npolicy: ./a.js\n');
    writeFileSync(join(folder, 'a.js'), '');
    const names = ['tunvs.yaml', 'web.yaml', 'a.js'];
    const warned = () => parseConfig(text, { path }).warnings.map(({ file, mend }) => `${file}: ${mend}`);
    for (const name of names) chmodSync(join(folder, name), 0o664);
    assert.deepEqual(warned(), []);
    for (const name of names) chmodSync(join(folder, name), 0o666);
    assert.deepEqual(
      warned(),
      names.map((name) => `${join(folder, name)}: chmod o-w ${join(folder, name)}`),
    );
  });

  it('are warned of where a check could not use them', () => {
    const path = join(folder, 'tunvs.yaml');
    const check = '{ checks: [{ check: { exec: { path: ./a.sh } } }, { check: { tls: { caFile: ./ca.pem } } }] }';
    const text = `source: 10.2.0.2\nservices: [{ listen: "tcp 192.0.2.1:80", health: ${check}, servers: [10.3.0.11] }]\n`;
    const warned = () => {
      const config = parseConfig(text, { path });
      assert.ok('spec' in config);
      return config.warnings.map(({ path: at, message }) => `${at}: ${message}`.replaceAll(folder, ''));
    };
    const says = 'and until that is mended the check says nothing of its servers';
    const program = `services[0].health.checks[0].check.exec.path: /a.sh is no use:`;
    assert.deepEqual(warned(), [
      `${program} there is no such file, ${says}`,
      `services[0].health.checks[1].check.tls.caFile: /ca.pem is no use: there is no such file, ${says}`,
    ]);
    writeFileSync(join(folder, 'ca.pem'), '');
    writeFileSync(join(folder, 'a.sh'), '', { mode: 0o644 });
    assert.deepEqual(warned(), [`${program} it may not be executed, ${says}`]);
    chmodSync(join(folder, 'a.sh'), 0o755);
    assert.deepEqual(warned(), []);
  });

  it('hold up nobody where one is a pipe or a device', () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const path of [pipe, '/dev/zero']) {
      assert.throws(
        () => diskFiles.read(path),
        (error) => whyUnread(error) === 'it is no ordinary file',
      );
      const parsed = parseKeepalived(`includer ${path}\n`, { path: join(folder, 'keepalived.conf') });
      const [first] = 'mistakes' in parsed ? parsed.mistakes : [];
      assert.match(first?.message ?? '', /it is no ordinary file$/);
    }
  });
});
