/** What the command line says beside a configuration file. */
import { strict as assert } from 'node:assert';
import { Readable, Writable } from 'node:stream';
import { fileConfiguration } from '../../lib/cli/run/file-configuration.js';
import type { RunOptions } from '../../lib/cli/run/options.js';

const FILE = `source: 10.2.0.2
fullNat: { sources: [10.2.1.0/28], firstPort: 10000, lastPort: 20000 }
device: { name: web, queues: 2 }
`;

async function opened(options: RunOptions) {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const io = { stdin: Readable.from([Buffer.from(FILE)]), stdout: nowhere, stderr: nowhere };
  const { open } = await fileConfiguration(options, '-', io, () => () => {});
  return open;
}

describe('a configuration file beside options', () => {
  it('counts where nothing else is said', async () => {
    const { source, fullNat, device } = await opened({});
    assert.deepEqual(
      { source, fullNat, device },
      {
        source: '10.2.0.2',
        fullNat: { sources: ['10.2.1.0/28'], firstPort: 10_000, lastPort: 20_000 },
        device: { name: 'web', queues: 2 },
      },
    );
  });

  it('keeps what an option beside it leaves open', async () => {
    const { fullNat, device } = await opened({ natSource: ['10.2.9.1'], device: 'other' });
    assert.deepEqual(fullNat, { sources: ['10.2.9.1'], firstPort: 10_000, lastPort: 20_000 });
    assert.deepEqual(device, { name: 'other', queues: 2 });
  });
});
