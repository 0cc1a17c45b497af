/** From the text of a file to a director. */
import { strict as assert } from 'node:assert';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SpecError } from '../../lib/config/apply/mistakes.js';
import { SpecSession } from '../../lib/config/apply/spec-session.js';
import { parseConfig, type ParsedConfig } from '../../lib/config/parse-config.js';
import { Director } from '../../lib/director/director.js';

const FILE = `# The pool of the shop.
source: 10.2.0.2
timeouts: { tcp: 10m }
services:
  - protocol: tcp
    address: 192.0.2.1
    port: 80
    scheduler: wrr
    slowStart: { seconds: 30s }
    policy: ./tenants.mjs
    servers:
      - address: 10.3.0.11
        weight: 2
      - address: 10.3.0.12
`;

describe('a configuration file', () => {
  let folder: string;
  let director: Director;
  let session: SpecSession;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tunvs-config-'));
    director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
    session = new SpecSession(director);
    const library = new URL('../../lib/index.js', import.meta.url).href;
    const policy = `import { weightsPolicy } from '${library}';
      export default weightsPolicy(() => [], { name: 'tenants' });`;
    await writeFile(join(folder, 'tenants.mjs'), policy);
  });

  afterEach(async () => {
    await director.close();
    await session.close();
    await rm(folder, { recursive: true });
  });

  function parsed(text: string): ParsedConfig {
    const config = parseConfig(text, { path: join(folder, 'web.yaml') });
    if ('mistakes' in config) throw new Error(JSON.stringify(config.mistakes));
    return config;
  }

  it('comes into force, and again with what is changed in it alone', async () => {
    await session.apply(parsed(FILE));
    const [web] = director.virtualServices;
    assert.deepEqual(
      [web?.scheduler, web?.slowStart, web?.policy?.name, director.timeouts.tcp],
      ['wrr', { seconds: 30 }, 'tenants', 600],
    );
    assert.deepEqual(await session.apply(parsed(FILE)), []);
    const changes = await session.apply(parsed(FILE.replace('weight: 2', 'weight: 3').replace('10m', '5m')));
    assert.deepEqual(
      changes.map(({ sentence }) => sentence),
      ['service tcp 192.0.2.1:80: server 10.3.0.11:80: weight 2 -> 3', 'timeouts: established 600 -> 300'],
    );
  });

  it('is refused with the line of what only the director can know', async () => {
    const policy = FILE.replace('tenants.mjs', 'gone.mjs');
    await writeFile(join(folder, 'gone.mjs'), 'export default 1');
    await assert.rejects(session.apply(parsed(policy)), (error: SpecError) => {
      assert(error instanceof SpecError);
      assert.deepEqual(
        error.mistakes.map(({ path, origin }) => [path, origin?.file, origin?.line]),
        [['services[0].policy', join(folder, 'web.yaml'), 10]],
      );
      return true;
    });
    assert.deepEqual(director.virtualServices, []);
  });
});
