/**
 * A director whose connection policy does what no policy should.
 *
 *     node hostile-policies.js offline|online DEED
 *
 * Prints what became of it. Where the director is still open, connections must go on by its scheduler.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { runInThisContext } from 'node:vm';
import { isMainThread, MessageChannel, parentPort, Worker, workerData } from 'node:worker_threads';
import {
  connectionPolicy,
  Director,
  type NewConnection,
  type OfflineDirector,
  type Policy,
  type VirtualService,
} from '../../../lib/index.js';
import { udp } from '../../support/packets.js';

const VIP = '10.9.9.9';
const AT_ONCE = 20;

/** New connections and their source: packets, or sockets. */
class Bed {
  readonly director: Director;
  readonly service: VirtualService;
  /** The outcome of the last connections. */
  packets: Uint8Array[] = [];
  forwarded = 0;
  #nextPort = 1024;

  constructor(director: Director, policy: Policy) {
    this.director = director;
    director.on('event', () => {});
    this.service = director.addVirtualService({ protocol: 'udp', address: VIP, port: 53, scheduler: 'rr', policy });
    this.service.addRealServer({ address: '10.2.0.11' });
    this.service.addRealServer({ address: '10.2.0.12' });
  }

  static async open(mode: string, policy: Policy): Promise<Bed> {
    const source = '10.2.0.2';
    if (mode === 'offline') return new Bed(Director.offline({ source, seed: 1 }), policy);
    return new Bed(await Director.open({ source, device: { name: 'tunvs0', queues: 2 } }), policy);
  }

  /** Opens connections, and waits until something was decided about each, or the director is closed. */
  async connect(count = AT_ONCE): Promise<void> {
    if (this.director.device === undefined) {
      this.packets = Array.from({ length: count }, () =>
        udp({ from: `192.0.2.1:${this.#nextPort++}`, to: `${VIP}:53`, payload: 'hello' }),
      );
      this.forwarded += (this.director as OfflineDirector).process(this.packets, 0).outputs.length;
      return;
    }
    const before = this.#created();
    for (let index = 0; index < count; index++) {
      const socket = createSocket('udp4');
      // The port had no connection before: the kernel would give a used one again now and then.
      await new Promise<void>((resolve) => socket.bind(this.#nextPort++, resolve));
      await new Promise((resolve) => socket.send('hello', 53, VIP, resolve));
      socket.close();
    }
    for (let created = before; created !== undefined && created < before + count; created = this.#created() ?? -1) {
      if (created < 0) return; // closed, or without services
      await sleep(5);
    }
    this.forwarded += count;
  }

  #created(): number {
    try {
      if (this.director.virtualServices.length === 0) return -1;
      return Number(this.director.stats().counters.connectionsCreated);
    } catch {
      return -1;
    }
  }
}

type Deed = (connection: NewConnection, bed: Bed) => unknown;

function forever(): never {
  for (;;);
}

function deeper(depth: number): number {
  return deeper(depth + 1) + 1;
}

const unprintable = new Proxy(Object.create(null), {
  getPrototypeOf() {
    throw new Error('no prototype');
  },
  get() {
    throw new Error('no property');
  },
});

/** Tries what the deed wants, and prints the code of the error. */
function attempt(call: () => unknown): void {
  try {
    call();
  } catch (error) {
    console.log((error as { code?: string }).code ?? (error as Error).name);
  }
}

const done = new Set<string>();
function first(name: string, call: () => void): void {
  if (done.has(name)) return;
  done.add(name);
  call();
}

const deeds: Record<string, Deed> = {
  'throws an error': () => {
    throw new Error('on purpose');
  },
  'throws null': () => {
    throw null;
  },
  'throws a symbol': () => {
    throw Symbol('on purpose');
  },
  'throws what cannot be printed': () => {
    throw unprintable;
  },
  'answers what cannot be printed': () => unprintable,
  'answers numbers that name nothing': ({ clientPort }) =>
    [Number.NaN, -1, 1.5, 2 ** 32 - 1, 2 ** 53, Number.POSITIVE_INFINITY, '0', 10n, {}, []][clientPort % 10],
  recurses: () => deeper(0),
  'blocks for a while': () => {
    const end = performance.now() + 30;
    while (performance.now() < end);
  },
  'closes the director': (_, bed) => {
    first('close', () => void bed.director.close());
    return 0;
  },
  'closes the director and throws': (_, bed) => {
    void bed.director.close();
    throw new Error('on purpose');
  },
  'calls its director': (_, { director, service, packets }) => {
    first('calls', () => {
      const { device } = director;
      if (device === undefined) {
        attempt(() => (director as OfflineDirector).process(packets, 0));
        attempt(() => (director as OfflineDirector).advance(1000));
      }
      director.stats();
      service.zero();
      director.explain({
        protocol: 'udp',
        clientAddress: '192.0.2.1',
        clientPort: 1,
        virtualAddress: VIP,
        virtualPort: 53,
      });
      director.transaction(() => {
        service.edit({ scheduler: 'wlc' });
        service.addRealServer({ address: '10.2.0.13' });
        for (const server of service.realServers.slice(0, 2)) server.delete();
      });
      if (service.realServers.length !== 1) throw new Error('the transaction is not in force');
      director.clear();
      console.log('called');
    });
    return 0;
  },
  'transfers what it sees': (connection) => {
    const { port1, port2 } = new MessageChannel();
    const batchPacket = connection.packet;
    first('transfer', () => {
      attempt(() => port1.postMessage(batchPacket, [batchPacket.buffer as ArrayBuffer]));
      attempt(() => structuredClone(batchPacket, { transfer: [batchPacket.buffer as ArrayBuffer] }));
    });
    port1.close();
    port2.close();
    return 0;
  },
  'detaches the packets': (_, bed) => {
    for (const packet of bed.packets)
      if (packet.byteLength > 0) structuredClone(packet, { transfer: [packet.buffer as ArrayBuffer] });
    return 0;
  },
  'breaks what others rely on': () => {
    first('break', () => {
      for (const prototype of [Map.prototype, Array.prototype, Uint8Array.prototype, Uint32Array.prototype])
        Object.setPrototypeOf(prototype, null);
      Object.defineProperty(Object.prototype, 'then', { value: forever, configurable: true });
      // The harness needs these itself.
      for (const prototype of [Map.prototype, Array.prototype]) Object.setPrototypeOf(prototype, Object.prototype);
      const bytes = Object.getPrototypeOf(Int8Array.prototype);
      for (const prototype of [Uint8Array.prototype, Uint32Array.prototype]) Object.setPrototypeOf(prototype, bytes);
      Reflect.deleteProperty(Object.prototype, 'then');
    });
    return 0;
  },
  exits: () => process.exit(7),
  'runs into a timeout of vm': () => {
    if (process.argv[2] === 'offline') return forever();
    return attempt(() => runInThisContext('for (;;);', { timeout: 20 }));
  },
  'is terminated': () => {
    first('running', () => parentPort?.postMessage('running'));
    return forever();
  },
  allocates: () => {
    parentPort?.postMessage('running');
    const kept: unknown[] = [];
    for (;;) kept.push(new Array(1000).fill({}));
  },
  'exits in a worker': () => process.exit(7),
};

async function act(mode: string, name: string): Promise<void> {
  const deed = deeds[name];
  if (deed === undefined) throw new Error(`there is no deed "${name}"; there are ${Object.keys(deeds).join(', ')}`);
  let bed: Bed;
  let isAsked = false;
  const ask = (connection: NewConnection) => {
    isAsked = true;
    return deed(connection, bed) as number;
  };
  const policy = connectionPolicy(ask, { packetBytes: 64, name });
  bed = await Bed.open(mode, policy);
  if (name === 'runs into a timeout of vm' && mode === 'offline') {
    Object.assign(globalThis, { connect: () => bed.connect() });
    attempt(() => runInThisContext('connect()', { timeout: 50 }));
  } else {
    // On a busy machine the scheduler may decide about all of them before the policy is asked.
    while (!isAsked) await bed.connect();
  }
  await turn();
  let isOpen = true;
  try {
    bed.director.stats();
  } catch {
    isOpen = false;
  }
  if (isOpen && bed.director.virtualServices.length > 0) {
    bed.service.edit({ policy: null });
    const before = bed.forwarded;
    await bed.connect();
    if (bed.forwarded !== before + AT_ONCE) throw new Error(`${bed.forwarded - before} of ${AT_ONCE} got through`);
  }
  await bed.director.close();
  console.log('survived');
}

/** These deeds end a whole environment, so each gets a worker's. */
const inWorker = ['is terminated', 'allocates', 'exits in a worker'];

async function host(mode: string, name: string): Promise<void> {
  const worker = new Worker(new URL(import.meta.url), {
    argv: [mode, name],
    workerData: { mode, name },
    resourceLimits: { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 8 },
  });
  const failed = new Promise((resolve) => worker.once('error', (error) => resolve((error as { code?: string }).code)));
  const exited = new Promise((resolve) => worker.once('exit', resolve));
  if (name === 'is terminated') {
    await once(worker, 'message');
    await sleep(20);
    await worker.terminate();
  }
  const code = await exited;
  console.log(name === 'allocates' ? await failed : `the worker ended with ${code}`);
}

const mode: string = isMainThread ? (process.argv[2] ?? '') : workerData.mode;
const name: string = isMainThread ? (process.argv[3] ?? '') : workerData.name;
await (isMainThread && inWorker.includes(name) ? host(mode, name) : act(mode, name));
