/** Ends what a program has started and moved out of its process group: the variable of its environment finds it. */
import { readdir, readFile } from 'node:fs/promises';

/** A process that cleared its environment as well is not found. */
export async function endStrays({ TUNVS_RUN }: { TUNVS_RUN: string }): Promise<void> {
  const names = await readdir('/proc').catch(() => []);
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const environment = await readFile(`/proc/${name}/environ`, 'latin1');
      if (environment.includes(`TUNVS_RUN=${TUNVS_RUN}`)) process.kill(Number(name), 'SIGKILL');
    } catch {
      // It has ended, or is another user's.
    }
  }
}
