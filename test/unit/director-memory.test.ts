import { strict as assert } from 'node:assert';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { connectionPolicy, Director } from '../../lib/index.js';
import { tcp } from '../support/packets.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function bufferBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collectGarbage();
    await nextTurn();
  }
  return process.memoryUsage().arrayBuffers;
}

/** A director that has asked a connection policy. */
function busyDirector(): Director {
  const director = Director.offline({ source: '10.0.0.1', maxConnections: 1024 });
  const policy = connectionPolicy((connection) => connection.servers[0]);
  const service = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80, policy });
  service.addRealServer({ address: '10.0.0.11' });
  const { outputs } = director.process(tcp({ from: '198.51.100.7:1024', to: '192.0.2.1:80', flags: 'S' }), 1);
  assert.equal(outputs.length, 1);
  return director;
}

describe('a director that is closed', () => {
  it('gives back what its policies were asked through', async () => {
    await busyDirector().close();
    const before = await bufferBytes();
    for (let i = 0; i < 30; i++) await busyDirector().close();
    const grown = (await bufferBytes()) - before;
    // Each had more than 100 KB.
    assert.ok(grown < 1_000_000, `${grown} bytes are still held`);
  });
});
