/** The folder of this network namespace's books, below /run/tunvs, where nobody else can write. */
import { chmodSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { native } from '../../native/addon.js';

/** Names another folder than /run/tunvs, for users other than root and for containers that share one. */
export const FOLDER_VARIABLE = 'TUNVS_RUNTIME_DIR';

export function runtimeFolder(): string {
  return process.env[FOLDER_VARIABLE] || '/run/tunvs';
}

/** Each network namespace of each boot has its own folder: sysctls, routes and neighbours belong to the namespace. */
export function namespaceFolder(): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return join(runtimeFolder(), `${boot}.${native.networkNamespaceName()}`);
}

/** Makes it a folder of this user's that nobody else can write to or look into. Throws when that fails. */
export function makePrivate(folder: string): void {
  const { mode } = makeOwn(folder);
  if ((mode & 0o055) !== 0) chmodSync(folder, 0o700);
}

/**
 * Does the same, but others may pass through the folder if they could before: the control sockets that a group may
 * use lie in it.
 */
export function makeUnlisted(folder: string): void {
  const { mode } = makeOwn(folder);
  if ((mode & 0o044) !== 0) chmodSync(folder, mode & 0o711);
}

/** Makes it with mode 700, or finds one of this user's that nobody else can write to. Throws when that fails. */
export function makeOwn(folder: string): { mode: number } {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const status = lstatSync(folder);
  if (!status.isDirectory()) throw new Error(`${folder} is not a folder`);
  if (status.uid !== process.geteuid?.()) throw new Error(`${folder} belongs to user ${status.uid}`);
  if ((status.mode & 0o022) !== 0) throw new Error(`${folder} is writable for others: chmod go-w ${folder}`);
  return { mode: status.mode & 0o7777 };
}
