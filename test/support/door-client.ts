/** Opens doors for tests, and knocks at them in good and in bad ways. */
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from 'node:http';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Door, DoorOptions } from '../../lib/control/door/door.js';
import { openDoor } from '../../lib/control/door/open-door.js';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Asks once, on a connection of its own unless an agent is given. */
export function ask(options: RequestOptions & { body?: string | Buffer }): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { body, ...request } = options;
    const sent = httpRequest({ agent: false, path: '/', ...request }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }));
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Sends bytes as they are, and returns all that comes until the server closes. `end`: shuts its own half down first. */
export function say(to: NetConnectOpts, text: string, { end = false } = {}): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = connect({ ...to, allowHalfOpen: true });
    socket.setEncoding('utf8').on('data', (chunk) => {
      heard += chunk;
    });
    // A server that has enough may reset; what it said counts.
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.on('close', () => resolve(heard));
    socket.on('connect', () => (end ? socket.end(text) : socket.write(text)));
  });
}

/** Connected; errors are nobody's business. Tries again while the kernel holds too many that are not accepted yet. */
export function dial(to: NetConnectOpts): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(to, () => resolve(socket.on('error', () => {})));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EAGAIN') setTimeout(() => dial(to).then(resolve, reject), 20);
      else reject(error);
    });
  });
}

/**
 * Resolves when the connection is closed, in whatever way. `events.once(socket, 'close')` would reject with the error of
 * a write that the other side no longer took, listener or not.
 */
export function gone(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}

/** Doors in a folder of their own. */
export class Doors {
  readonly folder = mkdtempSync(join(tmpdir(), 'tunvs-door-'));
  readonly path = join(this.folder, 'web.sock');
  readonly said: string[] = [];
  readonly #open: Door[] = [];

  readonly log = {
    info: (event: string, _?: object, sentence?: string) => void this.said.push(`${event}: ${sentence}`),
    warn: (event: string, _?: object, sentence?: string) => void this.said.push(`${event}: ${sentence}`),
    error: (event: string, _?: object, sentence?: string) => void this.said.push(`${event}: ${sentence}`),
  };

  /** On the unix socket of the folder, unless the options say otherwise. */
  async open(options: Partial<DoorOptions> = {}): Promise<Door> {
    const fetch: DoorOptions['fetch'] = (_, access) => new Response(access);
    const place = options.http || options.socket ? {} : { socket: { path: this.path } };
    const door = await openDoor({ fetch, log: this.log, name: 'web', ...place, ...options });
    this.#open.push(door);
    return door;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#open.map((door) => door.close()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
