/** Scripts that tests write and run, and processes that they leave or do not. */
import { strict as assert } from 'node:assert';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventuallyHolds } from './eventually.js';

export class Scripts implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'tunvs-scripts-'));

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string, mode = 0o755): string {
    writeFileSync(this.path(name), `#!/bin/sh\n${text}\n`, { mode });
    return this.path(name);
  }

  /** Resolves with the numbers of a file that a script writes, as soon as there are as many. */
  async numbers(name: string, count: number): Promise<number[]> {
    let found: number[] = [];
    await eventuallyHolds(async () => {
      assert.ok(existsSync(this.path(name)), `${name} is not there`);
      found = readFileSync(this.path(name), 'utf8').trim().split(/\s+/).map(Number);
      assert.equal(found.length, count);
    });
    return found;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Whether a process runs: one that has ended and that nobody has waited for does not. */
export function runs(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

export const untilEnded = (...pids: number[]) =>
  eventuallyHolds(async () => assert.deepEqual(pids.filter(runs), [], 'still run'));
