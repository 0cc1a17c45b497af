/** `tunvs install-ipvsadm` makes links, and touches nothing that is not its own. */
import { strict as assert } from 'node:assert';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IPVSADM_NAMES, shadowed, tunvsadmPath } from '../../lib/cli/ipvsadm-links.js';
import { installIpvsadm } from '../../lib/cli/verbs/install-ipvsadm.js';
import { adm } from '../support/tunvsadm.js';
import { cli } from '../support/cli.js';

describe('tunvs install-ipvsadm', () => {
  let folder: string;
  const install = (...args: string[]) => cli(['install-ipvsadm', folder, ...args], [installIpvsadm]);
  const at = (name: string) => join(folder, name);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-links-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('makes three links that run', async () => {
    const { exitCode, stdout, stderr } = await install();
    assert.equal(exitCode, 0);
    assert.equal(stdout, IPVSADM_NAMES.map((name) => `${at(name)}: made, leads to ${tunvsadmPath()}\n`).join(''));
    assert.match(stderr, / is not in PATH: add it there|comes first in PATH/);
    for (const name of IPVSADM_NAMES) {
      assert.equal(readlinkSync(at(name)), tunvsadmPath());
      assert.match((await adm(folder, ['--help'], { name })).stdout, new RegExp(`^usage: ${name} `, 'm'));
    }
    assert.match((await install()).stdout, /ipvsadm: stays as it is\n/);
  });

  it('refuses to overwrite what is not its own, and then makes none', async () => {
    writeFileSync(at('ipvsadm-save'), '#!/bin/sh\n');
    const { exitCode, stdout, stderr } = await install();
    assert.deepEqual([exitCode, stdout], [1, '']);
    assert.match(stderr, /ipvsadm-save is not a link of tunvs: .*--force\n$/);
    assert.deepEqual(readdirSync(folder), ['ipvsadm-save']);
    symlinkSync('/usr/sbin/ipvsadm', at('ipvsadm'));
    assert.equal((await install()).exitCode, 1);
    assert.match((await install('--force')).stdout, /ipvsadm: replaced, .*\n.*ipvsadm-save: replaced, .*\n.*: made, /);
    assert.deepEqual(readdirSync(folder).sort(), [...IPVSADM_NAMES].sort());
    assert(IPVSADM_NAMES.every((name) => lstatSync(at(name)).isSymbolicLink()));
  });

  it('refuses a folder in the place of a link, even with --force', async () => {
    mkdirSync(at('ipvsadm'));
    assert.match((await install('--force')).stderr, /ipvsadm is a folder: choose another/);
  });

  it('takes over links of an installation that is gone', async () => {
    symlinkSync('/gone/node_modules/tunvs/dist/lib/adm/main.js', at('ipvsadm'));
    assert.match((await install()).stdout, /ipvsadm: replaced, /);
    assert.equal(readlinkSync(at('ipvsadm')), tunvsadmPath());
  });

  it('does nothing with --dry-run, and says what it would do', async () => {
    assert.match((await install('--dry-run')).stdout, /ipvsadm: would be made, leads to /);
    assert.deepEqual(readdirSync(folder), []);
  });

  it('removes its own links alone', async () => {
    await install();
    rmSync(at('ipvsadm-restore'));
    writeFileSync(at('ipvsadm-restore'), 'mine');
    const { exitCode, stdout, stderr } = await install('--remove');
    assert.deepEqual([exitCode, stderr], [0, '']);
    assert.match(stdout, /ipvsadm: removed\n.*ipvsadm-save: removed\n.*ipvsadm-restore: stays as it is\n/);
    assert.equal(readFileSync(at('ipvsadm-restore'), 'utf8'), 'mine');
    assert(!existsSync(at('ipvsadm')));
  });

  it('prints JSON', async () => {
    const { stdout } = await install('--json', '--dry-run');
    const { event, isDryRun, links } = JSON.parse(stdout);
    assert.deepEqual([event, isDryRun], ['links', true]);
    assert.deepEqual(links[0], { path: at('ipvsadm'), target: tunvsadmPath(), action: 'make' });
  });

  it('refuses a folder that is not there, and a file', async () => {
    folder = at('nowhere');
    assert.match((await install()).stderr, /nowhere: there is no such folder: make it first\n$/);
    writeFileSync(folder, '');
    assert.match((await install()).stderr, /nowhere: it is no folder: name one\n$/);
    folder = join(folder, '..');
  });

  it('says which ipvsadm a shell would run instead', async () => {
    await install();
    const other = mkdtempSync(join(tmpdir(), 'tunvs-links-'));
    writeFileSync(join(other, 'ipvsadm'), '');
    try {
      assert.equal(shadowed(folder, `/nowhere:${folder}:${other}`), undefined);
      assert.match(shadowed(folder, `${other}:${folder}`) ?? '', /ipvsadm comes first in PATH: put /);
      assert.match(shadowed(folder, '/nowhere') ?? '', /is not in PATH: /);
    } finally {
      rmSync(other, { recursive: true });
    }
  });
});
