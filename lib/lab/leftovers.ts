/**
 * What a killed lab's process leaves behind bears the name of its owner, so that the next one can remove it. Numbers of
 * processes are given again, to threads too, so an owner is a number and the time at which the process started.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FOLDER = /^tunvs-lab-(\d+-\d+)-/;

/** Returns the owner `PID-START`, START in clock ticks since boot; undefined: there is no such process. */
function ownerOf(pid: string): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // The process is gone.
    return undefined;
  }
  // proc_pid_stat(5): the second field, a name in parentheses, may hold anything; the start is the 22nd.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return `${pid}-${fields[19]}`;
}

/** This process, in the names of what it makes. */
export const owner = ownerOf(String(process.pid)) ?? `${process.pid}-0`;

export function isOwnerGone(named: string): boolean {
  return ownerOf(named.replace(/-.*/, '')) !== named;
}

export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), `tunvs-lab-${owner}-`));
}

export function removeFoldersOfTheGone(): void {
  for (const name of readdirSync(tmpdir())) {
    const named = FOLDER.exec(name)?.[1];
    if (named === undefined || !isOwnerGone(named)) continue;
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    } catch {
      // The folder is another user's.
    }
  }
}
