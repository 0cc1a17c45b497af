import { strict as assert } from 'node:assert';
import { BYTES_A_CONNECTION, refuseLargeTable } from '../../lib/cli/table-memory.js';
import { explain } from '../../lib/cli/verbs/explain.js';
import { replay } from '../../lib/cli/verbs/replay.js';
import { Director } from '../../lib/director/director.js';
import { cli } from '../support/cli.js';

describe('the memory of an offline connection table', () => {
  it('is said beforehand, with the option, where the host has less', () => {
    assert.throws(() => refuseLargeTable(2 ** 28, 22e9), {
      message:
        '--max-connections 268435456: the table needs about 37.3 GB, and this host has 22.0 GB available: ' +
        'give at most 158273381',
    });
    assert.doesNotThrow(() => refuseLargeTable(158273381, 22e9));
    assert.doesNotThrow(() => refuseLargeTable(undefined, 0));
  });

  it('is what a table has', async () => {
    const maxConnections = 2 ** 20;
    const director = Director.offline({ source: '10.2.0.2', maxConnections });
    const bytes = Number(director.stats().table.bytes) / maxConnections;
    await director.close();
    assert.equal(Math.ceil(bytes), BYTES_A_CONNECTION);
  });

  for (const verb of [replay, explain]) {
    it(`is looked at by ${verb.name} before it reads anything`, async () => {
      const { availableMemory } = process;
      process.availableMemory = () => 1e6;
      try {
        const files = ['--rules', '/nowhere', '--in', '/nowhere', ...(verb === replay ? ['--out', '/nowhere/x'] : [])];
        const argv = [verb.name, '--source', '10.2.0.2', '--max-connections', '10000', ...files];
        const { exitCode, stderr } = await cli(argv, [verb]);
        assert.equal(exitCode, 2);
        assert.match(stderr, /--max-connections 10000: the table needs about 1\.4 MB, and this host has 1\.0 MB/);
      } finally {
        process.availableMemory = availableMemory;
      }
    });
  }
});
