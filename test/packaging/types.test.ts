import { strict as assert } from 'node:assert';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanEnvironment, emptyProject, INSTALL, pack, root, run, tryRun } from './installing.js';

const PROGRAM = `import { Director, type DirectorStats, TunvsError } from 'tunvs';
import { mistakeSentence, parseConfig, SpecSession } from 'tunvs/config';
import { createClient, serveControl } from 'tunvs/control';
import { metricsText } from 'tunvs/metrics';
export async function open(): Promise<DirectorStats> {
  const director = await Director.open({ source: '192.0.2.1' });
  return director.stats();
}
export const isOurs = (error: unknown): boolean => error instanceof TunvsError;

export async function serve(director: Director): Promise<string | undefined> {
  await using door = await serveControl(director, { socket: { path: '/run/tunvs/web.sock' }, name: 'web' });
  const client = createClient({ socket: '/run/tunvs/web.sock' });
  await client.services.add({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
  return door.addresses.socket;
}

export async function configure(director: Director, text: string): Promise<string[]> {
  const config = parseConfig(text, { path: '/etc/tunvs/web.yaml' });
  if ('mistakes' in config) return config.mistakes.map(mistakeSentence);
  const session = new SpecSession(director);
  const changes = await session.apply(config);
  return changes.map(({ sentence }) => sentence);
}

export const metrics = (director: Director): string => [...metricsText(director, { servers: false })].join('');
`;

/** The oldest compiler that our declarations are promised to. */
const OLD_TYPESCRIPT = '5.4';

const RESOLUTIONS = [
  { moduleResolution: 'nodenext', module: 'nodenext' },
  { moduleResolution: 'node16', module: 'node16' },
  { moduleResolution: 'bundler', module: 'esnext' },
];

describe('the types of the package', function () {
  this.timeout(600_000);
  let folder = '';
  let packed = '';

  before(() => {
    folder = emptyProject();
    packed = pack(folder).path;
    run(folder, 'npm', ...INSTALL, '--ignore-scripts', packed);
    // Those that the lock file names, and what they need: a user installs them with npm.
    for (const name of ['@types/node', 'undici-types'])
      cpSync(join(root, 'node_modules', name), join(folder, 'node_modules', name), { recursive: true });
    writeFileSync(join(folder, 'user.ts'), PROGRAM);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Declarations are checked too, which users with `skipLibCheck` spare themselves. */
  function compile(typescript: string, resolution: object): void {
    const options = {
      ...resolution,
      strict: true,
      noEmit: true,
      target: 'es2022',
      skipLibCheck: false,
      types: ['node'],
    };
    const lib = ['es2022', 'esnext.disposable'];
    const exact = { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };
    const config = { compilerOptions: { ...options, ...exact, lib }, files: ['user.ts'] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    run(folder, process.execPath, join(typescript, 'bin', 'tsc'), '-p', '.');
  }

  for (const resolution of RESOLUTIONS) {
    it(`compile under strict with moduleResolution ${resolution.moduleResolution}`, () =>
      compile(join(root, 'node_modules', 'typescript'), resolution));
  }

  it(`compile with TypeScript ${OLD_TYPESCRIPT}`, function () {
    const place = join(folder, 'old');
    mkdirSync(place);
    writeFileSync(join(place, 'package.json'), '{"private":true}');
    const { status } = tryRun(place, cleanEnvironment(), 'npm', ...INSTALL, `typescript@${OLD_TYPESCRIPT}`);
    if (status !== 0) {
      console.log(`        TypeScript ${OLD_TYPESCRIPT} cannot be fetched here`);
      return this.skip();
    }
    const typescript = join(place, 'node_modules', 'typescript');
    for (const resolution of RESOLUTIONS) compile(typescript, resolution);
  });

  it('are what arethetypeswrong calls right for a package of ES modules', function () {
    const npx = ['exec', '--yes', '--package', '@arethetypeswrong/cli@0.18', '--', 'attw', packed];
    // The one finding of a package without CommonJS, which `require` loads all the same from Node 20.19 on.
    const { status, stdout, stderr } = tryRun(
      folder,
      cleanEnvironment(),
      'npm',
      ...npx,
      '--no-color',
      '--profile',
      'node16',
      '--ignore-rules',
      'cjs-resolves-to-esm',
    );
    if (/npm (?:error|ERR!) (?:code|network)/.test(stderr)) {
      console.log('        @arethetypeswrong/cli cannot be fetched here');
      return this.skip();
    }
    assert.equal(status, 0, stdout + stderr);
  });
});
