/**
 * The file of a unix socket: put in its place without a moment at which others could connect, and taken away only by
 * who put it there.
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmdirSync,
  type Stats,
  unlinkSync,
} from 'node:fs';
import type { Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { native } from '../../native/addon.js';
import { descriptorOf, MAX_SOCKET_PATH_BYTES } from '../../native/unix-socket.js';
import { TunvsError, toTunvsError } from '../../values/errors.js';
import { refuse } from '../../values/options.js';

/** How long somebody who listens may take to be connected to, and another door of the folder to be opened. */
const PATIENCE_MS = 5000;

export interface SocketFile {
  readonly path: string;
  /** Says whether the path is still this socket, is something else, or is gone. */
  look(): 'ours' | 'other' | 'gone';
  /** Removes it if it is ours. */
  remove(): void;
}

export function checkedPath(path: unknown): string {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) return refuse('socket.path', path, 'a path');
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_SOCKET_PATH_BYTES) return path;
  throw new TunvsError(
    'ERR_TUNVS_INVALID_ARGUMENT',
    `socket.path: ${path} has ${bytes} bytes, and the path of a unix socket has at most ${MAX_SOCKET_PATH_BYTES}: ` +
      'choose a shorter one',
    { option: 'socket.path' },
  );
}

/**
 * Makes `server` listen at `path`. The socket is made in a folder that only this user can enter, gets its mode and
 * group there, and is then moved to its place, all at once, over what a killed process has left.
 */
export async function listenAt(
  server: Server,
  path: string,
  { group, name }: { group: number | undefined; name: string },
): Promise<SocketFile> {
  const folder = dirname(path);
  const lock = await lockFolder(folder, path);
  try {
    await refuseTaken(path, name);
    const nest = mkdtempSync(join(folder, '.tunvs-'));
    // The path by the descriptor is short, however long the folder's is.
    const entered = openSync(nest, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    // Node removes the path that it was told when it closes the server. With the descriptor that is nothing else's.
    server.once('close', () => closeSync(entered));
    const made = `/proc/self/fd/${entered}/socket`;
    try {
      refuseOthers(fstatSync(entered), nest);
      await listening(server, made);
      chmodSync(made, group === undefined ? 0o600 : 0o660);
      if (group !== undefined) chownSync(made, -1, group);
      const { ino, dev } = lstatSync(made);
      renameSync(made, path);
      return socketFile(path, { ino, dev });
    } catch (error) {
      if (server.listening) server.close();
      else closeSync(entered);
      throw error;
    } finally {
      removeQuietly(() => unlinkSync(join(nest, 'socket')));
      removeQuietly(() => rmdirSync(nest));
    }
  } catch (error) {
    throw error instanceof TunvsError ? error : failed(path, error);
  } finally {
    closeSync(lock);
  }
}

function socketFile(path: string, { ino, dev }: { ino: number; dev: number }): SocketFile {
  const look = () => {
    const status = lstatSync(path, { throwIfNoEntry: false });
    if (status === undefined) return 'gone';
    return status.ino === ino && status.dev === dev ? 'ours' : 'other';
  };
  return {
    path,
    look: () => {
      try {
        return look();
      } catch {
        // A folder above it is gone, or is no folder any more.
        return 'gone';
      }
    },
    remove: () => removeQuietly(() => look() === 'ours' && unlinkSync(path)),
  };
}

/** Who may write to the folder around it may have put another in its place, with a link in it that leads anywhere. */
function refuseOthers({ uid, mode }: Stats, nest: string): void {
  if (uid === process.geteuid?.() && (mode & 0o077) === 0) return;
  throw new Error(`somebody has put another folder in the place of ${nest}`);
}

/** Two that start at once do not take each other's socket for one that was left behind. */
async function lockFolder(folder: string, path: string): Promise<number> {
  let descriptor: number;
  try {
    descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    throw failed(path, error);
  }
  try {
    for (const until = performance.now() + PATIENCE_MS; !native.tryLockFile(descriptor); await delay(20))
      if (performance.now() > until) throw new Error(`somebody else keeps ${folder} locked`);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw failed(path, error);
  }
}

async function refuseTaken(path: string, name: string): Promise<void> {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status === undefined) return;
  if (!status.isSocket()) {
    const what = status.isDirectory() ? 'a folder' : status.isSymbolicLink() ? 'a link' : 'not a socket';
    throw new TunvsError(
      'ERR_TUNVS_INVALID_ARGUMENT',
      `socket.path: ${path} is ${what}, and is left as it is: name another path, or remove it`,
      { option: 'socket.path' },
    );
  }
  const listener = await listenerAt(path);
  if (listener === undefined) return;
  const pid = listener > 0 ? ` (pid ${listener})` : '';
  throw new TunvsError(
    'ERR_TUNVS_BUSY',
    `a director named ${name} runs already${pid}, and answers at ${path}: stop it, or give this one another name`,
    { option: 'socket.path' },
  );
}

/** Returns the process that listens, 0 if that cannot be told, undefined if nobody does. */
function listenerAt(path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const settle = (then: () => void) => {
      clearTimeout(timer);
      socket.destroy();
      then();
    };
    const timer = setTimeout(() => settle(() => resolve(0)), PATIENCE_MS);
    socket.once('connect', () => {
      const pid = pidBehind(socket);
      settle(() => resolve(pid));
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // EAGAIN says that somebody listens, but has no room for one more.
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') settle(() => resolve(undefined));
      else if (error.code === 'EAGAIN') settle(() => resolve(0));
      else settle(() => reject(error));
    });
  });
}

function pidBehind(socket: Socket): number {
  try {
    return native.peerCredentials(descriptorOf(socket)).pid;
  } catch {
    // The sentence goes without the number.
    return 0;
  }
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function removeQuietly(remove: () => void): void {
  try {
    remove();
  } catch {
    // It is gone already, or cannot be removed; nobody connects to it any more.
  }
}

function failed(path: string, error: unknown): TunvsError {
  const { code, message, syscall, errno } = toTunvsError(error);
  const { code: name } = error as NodeJS.ErrnoException;
  const isReadOnly = name === 'EROFS';
  const isForbidden = name === 'EACCES' || name === 'EPERM' || isReadOnly;
  const who = isReadOnly
    ? 'name a path that can be written to'
    : 'run as a user who may write there, and who is in the group that it is for';
  return new TunvsError(
    isForbidden ? 'ERR_TUNVS_PERMISSION' : code,
    `the control socket ${basename(path)} cannot be made in ${dirname(path)}: ${message}` +
      (isForbidden ? `: ${who}` : ''),
    { cause: error, syscall, errno, option: 'socket.path' },
  );
}
