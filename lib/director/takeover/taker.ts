/** The side of a takeover that begins: it gets the devices of the director that runs, and follows it. */
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { native } from '../../native/addon.js';
import { TunvsError } from '../../values/errors.js';
import { choiceOption } from '../../values/options.js';
import { roles } from '../../values/role.js';
import {
  type Ask,
  type Common,
  type HandedDevice,
  type HandedDevices,
  type Refusal,
  TAKEOVER_SOCKET,
  TAKEOVER_VERSION,
} from './protocol.js';

const ANSWER_TIMEOUT_MS = 5000;
/** The other process takes back what it holds on the host by then. */
const END_TIMEOUT_MS = 10_000;

export interface TakenDevice extends HandedDevice {
  /** The descriptors of its queues. */
  given: number[];
}

/** Says whether the other process has gone. */
const hasEnded = (error: unknown) =>
  /has ended the conversation|EPIPE|Broken pipe|ECONNRESET|reset by peer/i.test((error as Error).message);

export class Taker {
  readonly #descriptor: number;
  readonly pid: number;
  readonly steering: HandedDevices['steering'];
  readonly role: HandedDevices['role'];
  readonly devices: readonly TakenDevice[];
  readonly common: Common;

  /** Returns undefined where no director runs with this state. */
  static connect(folder: string): Taker | undefined {
    let descriptor: number;
    try {
      descriptor = native.connectLocal(join(folder, TAKEOVER_SOCKET));
    } catch (error) {
      if (/ECONNREFUSED|ENOENT|No such file|refused/i.test((error as Error).message)) return undefined;
      throw error;
    }
    try {
      return new Taker(descriptor);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
    if (native.peerCredentials(descriptor).pid === process.pid)
      throw new TunvsError(
        'ERR_TUNVS_BUSY',
        'the director that runs is one of this process, which cannot take its own place: close it, and open another',
      );
    const { answer, descriptors } = this.#ask<HandedDevices>({ ask: 'devices', version: TAKEOVER_VERSION });
    this.pid = answer.pid;
    this.steering = answer.steering;
    this.common = answer;
    this.role = choiceOption('takeover', answer.role, roles);
    let next = 0;
    this.devices = answer.devices.map((device) => {
      const given = descriptors.slice(next, next + device.queues);
      next += device.queues;
      return { ...device, given };
    });
    if (next !== descriptors.length || answer.devices.length === 0) {
      for (const each of descriptors) closeSync(each);
      throw new TunvsError('ERR_TUNVS_SYSTEM', 'the director that runs has not handed over what it said: restart it');
    }
  }

  /** From now on packets wait, and the state is free. */
  stop(): void {
    try {
      this.#ask({ ask: 'stop' });
    } catch (error) {
      // Whoever has ended meanwhile directs no more either.
      if (!hasEnded(error)) throw error;
    }
  }

  /** This director works. Resolves when the other has closed. */
  async end(): Promise<void> {
    try {
      native.sendLine(this.#descriptor, JSON.stringify({ ask: 'end' } satisfies Ask), [], ANSWER_TIMEOUT_MS);
    } catch {
      // It is gone already, and this director works.
      closeSync(this.#descriptor);
      return;
    }
    const socket = new Socket({ fd: this.#descriptor, readable: true, writable: true });
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, END_TIMEOUT_MS);
      socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      socket.on('error', () => {});
      socket.resume();
    });
    socket.destroy();
  }

  /** Leaves the other as it is; after stop() it ends with an error. The native part may have some descriptors already. */
  abandon(isGiven: boolean): void {
    const all = isGiven ? [] : this.devices.flatMap(({ given }) => given);
    for (const each of [...all, this.#descriptor]) {
      try {
        closeSync(each);
      } catch {
        // It is closed already: nothing of it is left to close.
      }
    }
  }

  #ask<T>(ask: Ask): { answer: T; descriptors: number[] } {
    native.sendLine(this.#descriptor, JSON.stringify(ask), [], ANSWER_TIMEOUT_MS);
    const { text, descriptors } = native.receiveLine(this.#descriptor, ANSWER_TIMEOUT_MS);
    const answer = JSON.parse(text) as T | Refusal;
    const { refused } = answer as Partial<Refusal>;
    if (refused === undefined) return { answer: answer as T, descriptors };
    for (const each of descriptors) closeSync(each);
    throw new TunvsError('ERR_TUNVS_BUSY', `the director that runs cannot be taken over: ${refused}`);
  }
}
