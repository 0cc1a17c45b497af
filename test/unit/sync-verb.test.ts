/** `tunvs sync` at a director without roles, and at one whose answers are made up. */
import { strict as assert } from 'node:assert';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verbs } from '../../lib/cli/verbs/index.js';
import { serveControl } from '../../lib/control/index.js';
import { Director } from '../../lib/index.js';
import { cli } from '../support/cli.js';
import { TOLD_PEER } from '../support/measured-director.js';

describe('tunvs sync', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tunvs-sync-verb-'));
  const socket = join(folder, 'tunvs.sock');
  after(() => rmSync(folder, { recursive: true }));

  const sync = (...words: string[]) => cli(['sync', ...words, '--socket', socket], verbs);

  it('says that no role runs, and that nobody is caught up', async () => {
    await using director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
    await serveControl(director, { socket: { path: socket } });
    assert.deepEqual(await sync(), { exitCode: 0, stdout: 'no role of connection sync runs\n', stderr: '' });
    assert.equal((await sync('--json')).stdout, '{}\n');
    for (const words of [['--caught-up'], ['--wait', '0']]) {
      const { exitCode, stderr } = await sync(...words);
      assert.equal(exitCode, 1);
      assert.doesNotMatch(stderr, /\.js:/, 'it is a sentence');
      assert.match(stderr, /the director has no peers, so nobody is caught up: begin with "tunvs run --sync-peers"/);
    }
    assert.equal((await sync('--wait', '-1')).exitCode, 2);
  });

  it('waits until all is told, and says who is behind where it is not', async () => {
    let asked = 0;
    const answer = (state: string) => ({
      isCaughtUp: state === 'caughtUp',
      master: {
        ...{ interface: '', syncid: 7, maxMessageBytes: 1416, port: 8848, isSigned: true, ports: 1 },
        ...{ messages: 1, bytes: 1, records: 1, notesLost: 0, recordsLost: 0, messagesFailed: 0 },
        peers: [{ ...TOLD_PEER, state }],
      },
    });
    const server = createServer((_, response) => {
      asked += 1;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer(asked < 3 ? 'transferring' : 'caughtUp')));
    }).listen(socket);
    await once(server, 'listening');
    try {
      const { exitCode, stderr } = await sync('--caught-up');
      assert.equal(exitCode, 1);
      assert.match(stderr, /not caught up with 10\.2\.0\.3 yet/);
      assert.equal((await sync('--wait', '30')).exitCode, 0);
      assert.equal(asked, 3);
      assert.match((await sync()).stdout, /^master sync daemon .*\n {2}10\.2\.0\.3:8848 caught up, /);
    } finally {
      server.close();
    }
  });
});
