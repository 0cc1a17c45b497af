/** Ways in which the environment of a native handle ends; none of them may end anything else. */
import { spawnSync } from 'node:child_process';

const NATIVE = new URL('../../lib/native/addon.js', import.meta.url).href;

/**
 * Programs by how they end. `script` makes a handle of `native` and gives its thread something to tell, with no turn of
 * the event loop behind it; `handle` is what it calls the handle.
 */
export function endingsOf(handle: string, script: string): Record<string, string> {
  const made = `
  const { native } = await import(${JSON.stringify(NATIVE)});
  ${script}`;
  const worker = `(async () => { ${made} (await import('node:worker_threads')).parentPort.postMessage(0); setInterval(() => {}, 1000); })()`;
  return {
    'the program ends': made,
    'the program exits': `${made} process.exit(0);`,
    'it is closed twice': `${made} ${handle}.close(); ${handle}.close();`,
    'its worker is terminated': `
    const { Worker } = await import('node:worker_threads');
    const worker = new Worker(${JSON.stringify(worker)}, { eval: true });
    await new Promise((resolve) => worker.once('message', resolve));
    await worker.terminate();
  `,
  };
}

/** Runs a program in a process of its own. */
export function runScript(script: string) {
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 20_000 });
}
