import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';

const MAIN = new URL('../../lib/cli/main.js', import.meta.url).pathname;

/** Runs it in a shell, in which `tunvs` is the command; returns the exit code and what stood on standard error. */
function shell(line: string): { status: number | null; stderr: string } {
  const script = `tunvs() { "${process.execPath}" "${MAIN}" "$@"; }; ${line}`;
  const { status, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8', timeout: 15_000 });
  return { status, stderr };
}

describe('a command that only prints, without its output', () => {
  it('fails with a sentence when the disk is full', () => {
    assert.deepEqual(shell('tunvs --help >/dev/full'), {
      status: 1,
      stderr: 'tunvs: standard output cannot be written (ENOSPC): the disk is full\n',
    });
  });

  it('is done when its reader has gone', () => {
    assert.equal(shell('{ tunvs --help; echo "code $?" >&2; } | true').stderr, 'code 0\n');
  });

  it('keeps its exit code when standard error is lost', () => {
    assert.equal(shell('tunvs nonsense 2>/dev/full').status, 2);
  });
});
