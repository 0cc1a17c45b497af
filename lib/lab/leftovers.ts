/**
 * What a killed lab's process leaves behind bears the name of its owner, so that the next one can remove it. Numbers of
 * processes are given again, to threads too, and each PID namespace has its own, so an owner is a number, the time at
 * which the process started, and its PID namespace.
 */
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TunvsError } from '../values/errors.js';

const FOLDER = /^tunvs-lab-(\d+-\d+-\d+)-/;

/** The inode of this process's PID namespace. */
const pidNamespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';

const folders = new Set<string>();

/** Returns the owner `PID-START-NAMESPACE`, START in clock ticks since boot; undefined: there is no such process. */
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
  return `${pid}-${fields[19]}-${pidNamespace}`;
}

/** This process, in the names of what it makes. */
export const owner = ownerOf(String(process.pid)) ?? `${process.pid}-0-${pidNamespace}`;

/** An owner in another PID namespace cannot be seen from here, and counts as there. */
export function isOwnerGone(named: string): boolean {
  const [pid = '', , namespace] = named.split('-');
  return namespace === pidNamespace && ownerOf(pid) !== named;
}

/** Makes a folder that goes with this process, if `removeFolder` has not removed it before. */
export function makeFolder(): string {
  const parent = tmpdir();
  try {
    const folder = mkdtempSync(join(parent, `tunvs-lab-${owner}-`));
    if (folders.size === 0) process.once('exit', removeFolders);
    folders.add(folder);
    return folder;
  } catch (cause) {
    const sentence = `the temporary folder ${parent} cannot be written: set TMPDIR to a folder that can`;
    throw new TunvsError('ERR_TUNVS_HOST', sentence, { cause });
  }
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
  if (folders.size === 0) process.off('exit', removeFolders);
}

function removeFolders(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

export function removeFoldersOfTheGone(): void {
  for (const name of namesIn(tmpdir())) {
    const named = FOLDER.exec(name)?.[1];
    if (named === undefined || !isOwnerGone(named)) continue;
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    } catch {
      // The folder is another user's.
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // What cannot be read holds nothing that this process could remove.
    return [];
  }
}
