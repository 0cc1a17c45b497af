/** Checks leave file descriptors for the rest of the director. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { parsedLimit, usualAtOnce } from '../../lib/health/usual-at-once.js';

const MODULE = new URL('../../lib/health/usual-at-once.js', import.meta.url).href;

describe('how many checks are under way at once, unless somebody says', () => {
  it('is 512, or fewer where the limit of open files is low', () => {
    assert.deepEqual([1_048_576, 1280, 1024, 300, 64].map(usualAtOnce), [512, 512, 384, 22, 16]);
  });

  it('goes by the limit that this process has', () => {
    const code = `import(${JSON.stringify(MODULE)}).then(({ usualAtOnce }) => process.stdout.write(\`\${usualAtOnce()}\`))`;
    const node = [process.execPath, '-e', code];
    const said = execFileSync('sh', ['-c', 'ulimit -n 1024; exec "$@"', 'sh', ...node], { encoding: 'utf8' });
    assert.equal(said, '384');
  });

  it('is 512 where no limit is known', () => {
    assert.equal(parsedLimit('Max open files            unlimited            unlimited            files\n'), undefined);
    assert.equal(parsedLimit('Max processes 5 5\nMax open files            1024        4096        files\n'), 1024);
  });
});
