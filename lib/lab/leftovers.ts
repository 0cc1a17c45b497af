/** What a killed lab's process leaves behind bears its process number, so that the next one can remove it. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FOLDER = /^tunvs-lab-(\d+)-/;

export function isProcessGone(pid: string): boolean {
  return !existsSync(`/proc/${pid}`);
}

export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), `tunvs-lab-${process.pid}-`));
}

export function removeFoldersOfTheGone(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = FOLDER.exec(name)?.[1];
    if (pid === undefined || !isProcessGone(pid)) continue;
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    } catch {
      // The process is another user's.
    }
  }
}
