/** The side of a takeover that runs: it waits for another process, gives it the devices, and ends. */
import { createServer, type Server, type Socket } from 'node:net';
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { native } from '../../native/addon.js';
import { descriptorOf } from '../../native/unix-socket.js';
import { TunvsError } from '../../values/errors.js';
import { type Ask, type HandedDevices, TAKEOVER_SOCKET, TAKEOVER_VERSION } from './protocol.js';

const MAX_ASK_BYTES = 4096;
const SEND_TIMEOUT_MS = 2000;
/** Who takes the place of a director has it by then, or gives it up. */
const DEADLINE_MS = 60_000;

export interface Given {
  devices: Omit<HandedDevices, 'version' | 'pid'>;
  /** The queues of all devices, in their order. */
  descriptors: number[];
}

export interface GiverBacking {
  /** @throws {@link TunvsError} when the director cannot be handed over. */
  give(): Given;
  /** Ends the workers; nobody but the new process changes anything from now on. */
  stop(): void;
  /** The new process directs. Resolves when everything here is closed. */
  end(pid: number): Promise<void>;
  /** The new process has gone between `stop` and `end`. */
  fail(error: TunvsError): void;
  /** Something is odd. */
  warn(message: string): void;
}

export class Giver {
  readonly #backing: GiverBacking;
  readonly #server: Server;
  readonly #path: string;
  readonly #open = new Set<Socket>();
  #taker: Socket | undefined;
  #deadline: NodeJS.Timeout | undefined;

  /** Listens until it is closed. It keeps no process alive. */
  constructor(folder: string, backing: GiverBacking) {
    this.#backing = backing;
    this.#path = join(folder, TAKEOVER_SOCKET);
    // The lock on the state says that whoever had this socket is gone.
    try {
      rmSync(this.#path, { force: true });
    } catch (error) {
      // Listening fails as well, and says so.
      backing.warn(`${this.#path} is in the way: ${(error as Error).message}`);
    }
    this.#server = createServer((socket) => this.#talk(socket));
    this.#server.on('error', (error) => backing.warn(`no other process can take this director over: ${error.message}`));
    this.#server.listen(this.#path, () => {
      try {
        chmodSync(this.#path, 0o600);
      } catch {
        // Nobody else can look into its folder.
      }
    });
    this.#server.unref();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#open) if (socket !== this.#taker) socket.destroy();
    this.#taker?.end();
  }

  #talk(socket: Socket): void {
    this.#open.add(socket);
    socket.unref();
    let text = '';
    socket.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      if (text.length > MAX_ASK_BYTES) {
        socket.destroy();
        return;
      }
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        const line = text.slice(0, end);
        text = text.slice(end + 1);
        this.#answer(socket, line);
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#open.delete(socket);
      if (socket !== this.#taker) return;
      clearTimeout(this.#deadline);
      this.#taker = undefined;
      this.#backing.fail(
        new TunvsError(
          'ERR_TUNVS_SYSTEM',
          'the process that was taking this director over has ended before it was done: start the director again, ' +
            'whose connections are kept',
        ),
      );
    });
  }

  #answer(socket: Socket, line: string): void {
    const descriptor = descriptorOf(socket);
    const say = (answer: object, descriptors: readonly number[] = []) =>
      native.sendLine(descriptor, JSON.stringify(answer), descriptors, SEND_TIMEOUT_MS);
    try {
      const { uid, pid } = native.peerCredentials(descriptor);
      if (uid !== 0 && uid !== process.geteuid?.()) throw new Error('it belongs to another user');
      const asked = JSON.parse(line) as Ask;
      if (asked.ask === 'devices') {
        if (asked.version !== TAKEOVER_VERSION) throw new Error('it has another version of this conversation');
        const { devices, descriptors } = this.#backing.give();
        say({ version: TAKEOVER_VERSION, pid: process.pid, ...devices }, descriptors);
      } else if (asked.ask === 'stop') {
        if (this.#taker !== undefined) throw new Error('another process is taking it over');
        this.#taker = socket;
        this.#server.close();
        this.#backing.stop();
        // Whoever waits for the end keeps the process alive, so that what is held is taken back.
        socket.ref();
        this.#deadline = setTimeout(() => socket.destroy(), DEADLINE_MS);
        say({ stopped: true });
      } else if (asked.ask === 'end' && socket === this.#taker) {
        clearTimeout(this.#deadline);
        this.#taker = undefined;
        void this.#backing.end(pid).finally(() => socket.destroy());
      } else {
        throw new Error('it asks for something else');
      }
    } catch (error) {
      try {
        say({ refused: (error as Error).message });
      } catch {
        // Who asked is gone.
        socket.destroy();
      }
    }
  }
}
