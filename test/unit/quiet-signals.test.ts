import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { eventually } from '../support/eventually.js';

const MAIN = new URL('../../lib/cli/main.js', import.meta.url).pathname;
const SIGUSR2 = 12n;

/** Says whether the process handles the signal. */
function handles(pid: number, signal: bigint): boolean {
  const [, caught] = /^SigCgt:\t(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return ((BigInt(`0x${caught}`) >> (signal - 1n)) & 1n) === 1n;
}

describe('SIGUSR1 and SIGUSR2', () => {
  it('neither end a verb that does not answer them nor open an inspector', async () => {
    // It waits for rules.
    const packet = ['--client', '192.0.2.1:1', '--virtual', '192.0.2.2:2'];
    const child = spawn(process.execPath, [MAIN, 'explain', '--rules', '-', '--source', '192.0.2.9', ...packet]);
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const { pid = 0 } = child;
    await eventually(async () => handles(pid, SIGUSR2), Boolean, 'SIGUSR2 is handled');
    child.kill('SIGUSR2');
    child.kill('SIGUSR1');
    child.stdin.end('-A -t 192.0.2.2:2\n-a -t 192.0.2.2:2 -r 192.0.2.3 -i\n');
    const [code, signal] = await once(child, 'close');
    assert.equal(signal, null);
    assert.doesNotMatch(said, /Debugger/);
    assert.equal(code, 0, said);
  });
});
