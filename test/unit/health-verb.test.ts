/** `tunvs health`: what it shows of a director, and its exit code. */
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verbs } from '../../lib/cli/verbs/index.js';
import { serveControl } from '../../lib/control/index.js';
import { Director } from '../../lib/director/director.js';
import { cli } from '../support/cli.js';
import { FakeHealth } from '../support/fake-health.js';

const WEB = 'tcp:192.0.2.1:80';
const MAIL = 'tcp:[2001:db8::1]:25';

describe('tunvs health', () => {
  let folder: string;
  let socket: string;
  let director: Director;

  /** A director with two servers behind `WEB` and one behind `MAIL`, of which these are down. */
  async function serve(...down: string[]): Promise<void> {
    const web = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
    for (const address of ['10.3.0.11', '10.3.0.12']) web.addRealServer({ address });
    const mail = director.addVirtualService({ protocol: 'tcp', address: '2001:db8::1', port: 25 });
    mail.addRealServer({ address: '10.3.0.21' });
    director.addVirtualService({ protocol: 'udp', address: '192.0.2.1', port: 53 });
    await serveControl(director, { socket: { path: socket }, health: new FakeHealth(down) });
  }

  const ask = (...words: string[]) => cli(['health', '--socket', socket, ...words], verbs);
  const namesIn = (stdout: string) => stdout.match(/^ {2}\S+:\d+/gm)?.map((name) => name.trim()) ?? [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-health-'));
    socket = join(folder, 'web.sock');
    director = Director.offline({ source: ['10.2.0.2', '2001:db8:2::2'], maxConnections: 1024 });
  });

  afterEach(async () => {
    await director.close();
    rmSync(folder, { recursive: true });
  });

  it('shows all, and says by no exit code what it found unless asked', async () => {
    await serve('10.3.0.12');
    const { exitCode: code, stdout, stderr } = await ask();
    assert.deepEqual([code, stderr], [0, '']);
    assert.deepEqual(namesIn(stdout), ['10.3.0.11:80', '10.3.0.12:80', '10.3.0.21:25']);
  });

  it('shows one service, by either of its names', async () => {
    await serve();
    for (const name of [MAIL, 'tcp [2001:DB8::1]:25'])
      assert.deepEqual(namesIn((await ask('--service', name)).stdout), ['10.3.0.21:25']);
    const { services } = JSON.parse((await ask('--service', WEB, '--json')).stdout);
    assert.deepEqual(
      services.map(({ name }: { name: string }) => name),
      ['tcp 192.0.2.1:80'],
    );
  });

  it('shows only servers that are out, below a line that counts all of them', async () => {
    await serve('10.3.0.12');
    const { stdout } = await ask('--down');
    assert.deepEqual(namesIn(stdout), ['10.3.0.12:80']);
    assert.match(stdout, /^tcp 192\.0\.2\.1:80 1\/2 up/);
    const { services } = JSON.parse((await ask('--down', '--json')).stdout);
    assert.deepEqual(
      services.map(({ servers }: { servers: { name: string }[] }) => servers.map(({ name }) => name)),
      [['10.3.0.12:80']],
    );
  });

  it('says that no server is down', async () => {
    await serve();
    assert.equal((await ask('--down')).stdout, 'no server is down\n');
  });

  it('ends with 1 and a sentence when a server is out, if --exit-code asks for it', async () => {
    await serve('10.3.0.12', '10.3.0.21');
    const found = await ask('--exit-code');
    assert.equal(found.exitCode, 1);
    assert.equal(
      found.stderr,
      'tunvs health: 2 real servers get no new connections, and 1 service lacks its quorum: ' +
        'mend what "tunvs health --down" names\n',
    );
    assert.equal(namesIn(found.stdout).length, 3);
    const ofWeb = await ask('--exit-code', '--json', '--service', WEB);
    assert.equal(ofWeb.exitCode, 1);
    assert.match(ofWeb.stderr, /^tunvs health: 1 real server gets no new connections: mend/);
    assert.equal(JSON.parse(ofWeb.stdout).services.length, 1);
  });

  it('goes by the service that was asked for, whatever is down elsewhere', async () => {
    await serve('10.3.0.21');
    const { exitCode: code, stderr } = await ask('--exit-code', '--down', '--service', WEB);
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal((await ask('--exit-code', '--service', MAIL)).exitCode, 1);
  });

  it('ends with 1 where the director checks no such service, and with 2 where the word names none', async () => {
    await serve();
    for (const name of ['tcp:192.0.2.9:80', 'udp:192.0.2.1:53']) {
      const { exitCode: code, stderr } = await ask('--service', name);
      assert.equal(code, 1);
      assert.match(stderr, /^tunvs health: the director checks no servers of (tcp|udp) 192\..*: see "tunvs health"/);
    }
    for (const name of ['', 'web', 'tcp:192.0.2.1', 'mark:0', `tcp:${'1'.repeat(5000)}:80`, '\u001b[31m']) {
      const { exitCode: code, stdout, stderr } = await ask('--service', name);
      assert.deepEqual([code, stdout], [2, ''], name);
      assert.match(stderr, /^tunvs health: --service: .* names no virtual service: /);
      assert.ok(!stderr.includes('\u001b'));
      assert.ok(stderr.length < 400);
    }
  });
});
