import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

const SIGNALS = new URL('../../lib/cli/signals.js', import.meta.url).href;

/** A program that ends two seconds after its first signal, with code 7, as if it put a host back. */
const PROGRAM = `
  import { endSignal } from ${JSON.stringify(SIGNALS)};
  const { signal } = endSignal();
  const open = setInterval(() => {}, 1000);
  signal.addEventListener('abort', () => {
    console.log('ending');
    setTimeout(() => process.exit(7), 2000);
  });
  console.log('open');
`;

async function open() {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.setEncoding('utf8');
  const [line] = await once(child.stdout, 'data');
  assert.equal(line, 'open\n');
  return child;
}

describe('a signal to a verb that runs until one comes', () => {
  it('that npm passes on behind the terminal counts once', async () => {
    const child = await open();
    child.kill('SIGINT');
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    assert.deepEqual(await once(child, 'exit'), [7, null]);
  });

  it('ends it at once when it comes a second time, later', async () => {
    const child = await open();
    child.kill('SIGTERM');
    await once(child.stdout, 'data');
    await delay(250);
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [143, null]);
  });

  it('ends it at once when it is another', async () => {
    const child = await open();
    child.kill('SIGINT');
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [143, null]);
  });
});
