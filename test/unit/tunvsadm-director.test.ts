/** tunvsadm and the executor together: a director that has no device, and programs that call ipvsadm. */
import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { delimiter } from 'node:path';
import { COMMANDS, OPTIONS as COMPLETED, ownOptions, VALUES } from '../../lib/adm/completion/options.js';
import { version } from '../../lib/adm/version.js';
import { Director, type OfflineDirector } from '../../lib/director/director.js';
import { executeAdm } from '../../lib/rules/adm/execute.js';
import { VERSION } from '../../lib/rules/adm/help.js';
import { OPTIONS } from '../../lib/rules/options.js';
import { RulesSession } from '../../lib/rules/session.js';
import { persistenceEngines } from '../../lib/values/persistence.js';
import { schedulerFlagNumbers, schedulers } from '../../lib/values/scheduler.js';
import { tcp } from '../support/packets.js';
import { type AdmOptions, adm, admFolder, finished } from '../support/tunvsadm.js';
import { AdmServer } from '../support/tunvsadm-server.js';

const RULES = `-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r 10.0.0.11:80 -i -w 1 --tun-type ipip
-a -t 192.0.2.1:80 -r 10.0.0.12:80 -i -w 1 --tun-type ipip
`;

describe('tunvsadm at a director', () => {
  let folder: string;
  let server: AdmServer;
  let director: OfflineDirector;
  const ipvsadm = (words: string, options: AdmOptions = {}) =>
    adm(folder, words === '' ? [] : words.split(' '), { name: 'ipvsadm', socket: server.socket, ...options });

  before(() => {
    folder = admFolder();
  });
  beforeEach(async () => {
    director = Director.offline({ source: '10.2.0.2', maxConnections: 65_536 });
    const session = new RulesSession(director);
    server = await AdmServer.open((call) => executeAdm(session, call));
  });
  afterEach(async () => {
    await server.dispose();
    await director.close();
  });
  after(() => rmSync(folder, { recursive: true }));

  it('changes and lists it', async () => {
    for (const line of RULES.trimEnd().split('\n'))
      assert.deepEqual(await ipvsadm(line), { stdout: '', stderr: '', status: 0 });
    const { stdout } = await ipvsadm('-Ln');
    assert.match(stdout, /^TCP {2}192\.0\.2\.1:80 rr\n {2}-> 10\.0\.0\.11:80 {17}Tunnel {2}1 {6}0 {10}0 {9}\n/m);
    assert.equal((await ipvsadm('', { name: 'tunvsadm' })).status, 0);
    assert.equal((await ipvsadm('-n', { name: 'ipvsadm-save' })).stdout, RULES);
    assert.deepEqual(await ipvsadm('-D -t 192.0.2.1:81'), { stdout: '', stderr: 'No such service\n', status: 255 });
  });

  it('restores a saved table as one transaction, which keeps connections', async () => {
    await ipvsadm('-R', { stdin: RULES });
    director.process(
      Array.from({ length: 100 }, (_, i) => tcp({ from: `198.51.100.1:${2000 + i}`, to: '192.0.2.1:80' })),
      1000,
    );
    const twice = await ipvsadm('-R', { stdin: RULES });
    assert.deepEqual([twice.status, twice.stdout], [255, '']);
    assert.match(twice.stderr, /^line 1: Service already exists\n$/);

    const before = (await ipvsadm('-Lnc')).stdout;
    assert.equal(before.split('\n').length, 103);
    assert.equal((await ipvsadm('', { name: 'ipvsadm-restore', stdin: RULES })).status, 0);
    assert.equal((await ipvsadm('-Lnc')).stdout, before);

    const bad = await ipvsadm('', { name: 'ipvsadm-restore', stdin: `${RULES}-a -t 192.0.2.9:80 -r 10.0.0.1 -i\n` });
    assert.match(bad.stderr, /^line 4: /);
    assert.equal((await ipvsadm('-S -n')).stdout, RULES);
  });

  describe('takes what scripts do', () => {
    const script = async (text: string) => {
      const env = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}`, TUNVS_SOCKET: server.socket };
      return finished(spawn('sh', ['-ec', text], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] }));
    };

    it('clears and adds, in separate calls', async () => {
      const { stdout, stderr, status } = await script(`
        VIP=192.0.2.1
        ipvsadm -C
        ipvsadm -A -t $VIP:80 -s wrr
        for RIP in 10.0.0.11 10.0.0.12; do
          ipvsadm -a -t $VIP:80 -r $RIP:80 -i -w 2
        done
        ipvsadm -A -f 7 -s wlc -p 600
        ipvsadm -S -n | sort`);
      assert.deepEqual([stderr, status], ['', 0]);
      assert.equal(
        stdout,
        `-A -f 7 -s wlc -p 600
-A -t 192.0.2.1:80 -s wrr
-a -t 192.0.2.1:80 -r 10.0.0.11:80 -i -w 2 --tun-type ipip
-a -t 192.0.2.1:80 -r 10.0.0.12:80 -i -w 2 --tun-type ipip
`,
      );
    });

    it('picks columns out of listings and goes by them', async () => {
      await ipvsadm('-R', { stdin: RULES });
      const { stdout, stderr } = await script(`
        ipvsadm -Ln | awk '$1 == "->" && $2 ~ /:80$/ { print $2, $4 }'
        ipvsadm -Ln | awk '/^TCP/ { vip = $2 } $1 == "->" && $2 ~ /^10/ { print vip, $2 }' |
          while read VIP RIP; do ipvsadm -e -t $VIP -r $RIP -i -w 0; done
        ipvsadm -L -n --stats | grep -c '10.0.0.1'
        if ipvsadm -Ln -t 192.0.2.7:80 >/dev/null 2>&1; then echo there; else echo missing $?; fi
        ipvsadm -Sn | grep -c -- '-w 0'`);
      assert.equal(stderr, '');
      assert.equal(stdout, '10.0.0.11:80 1\n10.0.0.12:80 1\n2\nmissing 255\n2\n');
    });

    it('saves to a file and restores from it', async () => {
      await ipvsadm('-R', { stdin: RULES });
      const { stdout, stderr, status } = await script(`
        ipvsadm-save -n > saved
        ipvsadm -C
        test -z "$(ipvsadm-save -n)"
        ipvsadm-restore < saved
        ipvsadm-restore < saved
        ipvsadm-save -n | cmp - saved
        ipvsadm --version | awk '{ print $2 }'`);
      assert.deepEqual([stdout, stderr, status], ['v1.31\n', '', 0]);
    });
  });

  it('refuses --replace without -R', async () => {
    const { stderr, status } = await ipvsadm('-Ln --replace');
    assert.match(stderr, /--replace/);
    assert.notEqual(status, 0);
  });

  it('says under the name ipvsadm which version it is, as the executor does', () => {
    assert.equal(version('ipvsadm'), VERSION);
  });

  it('completes the options that the grammar has', () => {
    const known = new Set([
      ...COMMANDS.flatMap(({ words }) => words),
      ...Object.values(COMPLETED).flat(),
      ...Object.keys(VALUES),
    ]);
    const refused = /^masquerading$/;
    for (const { long, short } of OPTIONS) {
      if (refused.test(long)) continue;
      assert(known.has(`--${long}`), `--${long}`);
      if (short !== undefined) assert(known.has(`-${short}`), `-${short}`);
    }
    const grammar = new Set(OPTIONS.flatMap(({ long, short }) => [`--${long}`, `-${short}`]));
    const beyond = [...ownOptions, '--watch', '--json', '--drain', '--all', '--sysctl', '--replace'];
    for (const word of known) assert(grammar.has(word) || beyond.includes(word), word);
    assert.deepEqual([...(VALUES['-s'] ?? [])].sort(), [...schedulers].sort());
    assert.deepEqual([...(VALUES['-b'] ?? [])].sort(), Object.keys(schedulerFlagNumbers).sort());
    assert.deepEqual(VALUES['--pe'], persistenceEngines);
  });
});
