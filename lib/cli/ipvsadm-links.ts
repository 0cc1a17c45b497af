/** The links by which tunvsadm works under ipvsadm's names: planned first, then made or removed, all of them or none. */
import { lstatSync, readlinkSync, realpathSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const IPVSADM_NAMES = ['ipvsadm', 'ipvsadm-save', 'ipvsadm-restore'] as const;

export interface LinkChange {
  path: string;
  target: string;
  action: 'make' | 'replace' | 'remove' | 'keep';
}

export class LinksRefused extends Error {
  readonly code = 'LINKS_REFUSED';
}

/** Where tunvsadm is, beside this file in the package. */
export const tunvsadmPath = (): string => realpathSync(fileURLToPath(new URL('../adm/main.js', import.meta.url)));

/** Changes nothing. A file that is no link of ours is refused, unless `isForced`. */
export function planLinks(folder: string, { isRemoving = false, isForced = false }): LinkChange[] {
  refuseNoFolder(folder);
  const target = tunvsadmPath();
  return IPVSADM_NAMES.map((name) => {
    const path = join(resolve(folder), name);
    const found = whatIs(path, target);
    if (found === 'folder') throw new LinksRefused(`${path} is a folder: choose another folder for the links`);
    if (found === 'foreign' && !isForced && !isRemoving) {
      throw new LinksRefused(
        `${path} is not a link of tunvs: choose a folder that comes before it in PATH, or replace it with --force`,
      );
    }
    if (isRemoving) return { path, target, action: found === 'ours' || found === 'older' ? 'remove' : 'keep' };
    return { path, target, action: found === 'absent' ? 'make' : found === 'ours' ? 'keep' : 'replace' };
  });
}

export function changeLinks(changes: readonly LinkChange[]): void {
  for (const { path, target, action } of changes) {
    if (action === 'remove') rmSync(path);
    else if (action === 'make') symlinkSync(target, path);
    else if (action === 'replace') {
      // A rename leaves no moment without an ipvsadm.
      const beside = `${path}.tunvs-${process.pid}`;
      symlinkSync(target, beside);
      renameSync(beside, path);
    }
  }
}

/** Returns why a shell would not run the links of this folder, or undefined. */
export function shadowed(folder: string, path: string): string | undefined {
  const folders = path.split(delimiter).filter((each) => each !== '');
  const wanted = real(folder);
  for (const each of folders) {
    if (real(each) === wanted) return undefined;
    if (isFile(join(each, 'ipvsadm'))) return `${join(each, 'ipvsadm')} comes first in PATH: put ${folder} before it`;
  }
  return `${folder} is not in PATH: add it there, or call ${join(folder, 'ipvsadm')}`;
}

function refuseNoFolder(folder: string): void {
  try {
    if (statSync(folder).isDirectory()) return;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new LinksRefused(`${folder}: there is no such folder: make it first`);
    throw error;
  }
  throw new LinksRefused(`${folder}: it is no folder: name one`);
}

/** `older` is a link into another installation of tunvs, one that is gone among them. */
function whatIs(path: string, target: string): 'absent' | 'ours' | 'older' | 'foreign' | 'folder' {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (!entry) return 'absent';
  if (entry.isDirectory()) return 'folder';
  if (!entry.isSymbolicLink()) return 'foreign';
  const leadsTo = resolve(dirname(path), readlinkSync(path));
  if (real(leadsTo) === target) return 'ours';
  return /\/dist\/lib\/adm\/main\.js$/.test(leadsTo) ? 'older' : 'foreign';
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // It leads nowhere, so it is what it says.
    return resolve(path);
  }
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
