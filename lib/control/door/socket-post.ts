/** Keeps a unix socket in its place: makes it again when somebody has deleted it. */
import type { Server } from 'node:http';
import { dirname, resolve } from 'node:path';
import type { DoorLog } from './door.js';
import { type DoorServer, ended } from './http-server.js';
import { checkedPath, listenAt, type SocketFile } from './socket-file.js';
import { prepareFolder } from './socket-folder.js';

/** Looking costs some microseconds. A watcher would not see that a folder above is gone. */
const LOOK_MS = 1000;

export interface PostParts {
  path: string;
  group: number | undefined;
  name: string;
  make(): DoorServer;
  log: DoorLog | undefined;
}

export class SocketPost {
  readonly #parts: PostParts;
  readonly #timer: NodeJS.Timeout;
  #server: Server;
  #file: SocketFile;
  /** Of sockets that were deleted, with the clients that they still have. */
  readonly #former = new Set<Server>();
  #trouble: string | undefined;
  #making: Promise<void> | undefined;
  #isClosed = false;

  private constructor(parts: PostParts, server: Server, file: SocketFile) {
    this.#parts = parts;
    this.#server = server;
    this.#file = file;
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  static async open(given: PostParts): Promise<SocketPost> {
    const parts = { ...given, path: checkedPath(resolve(checkedPath(given.path))) };
    const { server, file } = await listen(parts);
    return new SocketPost(parts, server, file);
  }

  get path(): string {
    return this.#parts.path;
  }

  #look(): void {
    const { log, path } = this.#parts;
    const seen = this.#file.look();
    if (seen === 'ours') this.#trouble = undefined;
    else if (seen === 'other')
      this.#say(`${path} is something else now, so nobody can reach the control server there: remove it`);
    else this.#making ??= this.#again(log).finally(() => (this.#making = undefined));
  }

  async #again(log: DoorLog | undefined): Promise<void> {
    try {
      const { server, file } = await listen(this.#parts);
      if (this.#isClosed) {
        file.remove();
        server.close();
        return;
      }
      const former = this.#server;
      this.#former.add(former);
      former.close(() => this.#former.delete(former));
      this.#server = server;
      this.#file = file;
      this.#trouble = undefined;
      log?.warn('control.socket', { path: this.path }, `somebody has deleted ${this.path}: it is made again`);
    } catch (error) {
      this.#say((error as Error).message);
    }
  }

  /** Says it once, not at each look. */
  #say(trouble: string): void {
    if (this.#trouble === trouble) return;
    this.#trouble = trouble;
    this.#parts.log?.warn('control.socket', { path: this.path }, trouble);
  }

  /** Nobody can connect any more; resolves when all clients are gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#file.remove();
    await Promise.all([this.#making, ...[this.#server, ...this.#former].map(ended)]);
  }

  destroyClients(): void {
    for (const server of [this.#server, ...this.#former]) server.closeAllConnections();
  }
}

async function listen(parts: PostParts): Promise<{ server: Server; file: SocketFile }> {
  const { path, group, name, make, log } = parts;
  const warning = prepareFolder(dirname(path), group !== undefined);
  if (warning !== undefined) log?.warn('control.socket', { path }, warning);
  const { server, letIn } = make();
  const file = await listenAt(server, path, { group, name });
  letIn();
  return { server, file };
}
