/**
 * Runs a director or the null loop on a device, as its argument (ForwarderOptions in JSON) says. Prints
 * "ready", then repeats each line that it reads with its readings. Ends with its input.
 */
import { createInterface } from 'node:readline';
import type { Door } from '../../lib/control/door/door.js';
import { serveControl } from '../../lib/control/serve-control.js';
import { Director, type Egress, type FastPathChoice } from '../../lib/index.js';
import { DirectorHost } from '../../lib/host/director-host.js';
import { nativeBench } from '../native-bench.js';

export interface ForwarderOptions {
  kind: 'director' | 'null';
  device: string;
  egress: Egress;
  /** The director's; 'auto' unless given. */
  offloads?: 'auto' | 'off';
  /** The director's; left to the worker unless given. */
  busyPollUs?: number;
  /** The director's; none unless given. */
  rings?: string[];
  /** The director's; 'off' unless given. */
  fastPath?: FastPathChoice;
  /** The director's; its default unless given. */
  maxConnections?: number;
  /** [1, 64], each with a worker. */
  queues: number;
  source: string;
  server: string;
  virtualAddress: string;
  port: number;
  /** The control server answers at this path, about 1000 real servers too. */
  control?: string;
}

export interface ForwarderReadings {
  received: number;
  sent: number;
  /** Of those sent: by the fast path. */
  fast: number;
  userNs: number;
  systemNs: number;
  /** Of the process but the workers: the event loop, its helpers and the collector. */
  otherNs: number;
  /** In the table; 0 of the null loop. */
  connections: number;
  /** The table's capacity; 0 of the null loop. */
  capacity: number;
  /** The process's memory in RAM. */
  residentBytes: number;
}

interface Forwarder {
  read(): ForwarderReadings;
  close(): Promise<void>;
}

const MAX_PACKET_BYTES = 2048;

async function openDirector(options: ForwarderOptions): Promise<Forwarder> {
  const director = await Director.open({
    source: options.source,
    device: { name: options.device, queues: options.queues, maxPacketBytes: MAX_PACKET_BYTES },
    egress: options.egress,
    offloads: options.offloads,
    busyPollUs: options.busyPollUs,
    fastPath: options.fastPath,
    rings: options.rings,
    maxConnections: options.maxConnections,
  });
  const service = director.addVirtualService({ protocol: 'udp', address: options.virtualAddress, port: options.port });
  service.addRealServer({ address: options.server });
  const door = options.control && (await openControl(director, options.control));
  return {
    read() {
      const { counters, table } = director.stats();
      const workers = director.workerCpu();
      const userNs = workers.reduce((sum, worker) => sum + Number(worker.userNs), 0);
      const systemNs = workers.reduce((sum, worker) => sum + Number(worker.systemNs), 0);
      return {
        received: Number(counters.received),
        sent: Number(counters.sent),
        fast: Number(counters.fastForwarded),
        userNs,
        systemNs,
        otherNs: processNs() - userNs - systemNs,
        connections: table.ipv4,
        capacity: table.capacity,
        residentBytes: process.memoryUsage.rss(),
      };
    },
    async close() {
      if (door) await door.close();
      await director.close();
    },
  };
}

function processNs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

function openControl(director: Director, path: string): Promise<Door> {
  const others = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.200', port: 80 });
  director.transaction(() => {
    for (let i = 0; i < 1000; i++) others.addRealServer({ address: `10.200.${i >> 8}.${i & 255}` });
  });
  return serveControl(director, { socket: { path } });
}

async function openNullLoop({
  device,
  egress,
  queues,
  source,
  server,
  virtualAddress,
}: ForwarderOptions): Promise<Forwarder> {
  const loop = new nativeBench.NullLoop({
    device,
    queues,
    maxPacketBytes: MAX_PACKET_BYTES,
    egress,
    source,
    server,
  });
  const host = new DirectorHost({ sources: [source] });
  host.open(device);
  host.addVip(virtualAddress);
  return {
    read() {
      const { received, sent, userNs, systemNs } = loop.readings();
      return {
        received: Number(received),
        sent: Number(sent),
        fast: 0,
        userNs: Number(userNs),
        systemNs: Number(systemNs),
        otherNs: 0,
        connections: 0,
        capacity: 0,
        residentBytes: process.memoryUsage.rss(),
      };
    },
    async close() {
      host.close();
      loop.close();
    },
  };
}

async function main(): Promise<void> {
  const options = JSON.parse(process.argv[2] ?? '{}') as ForwarderOptions;
  const forwarder = await (options.kind === 'director' ? openDirector(options) : openNullLoop(options));
  process.once('SIGTERM', () => process.stdin.destroy());
  console.log('ready');
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(`${line} ${JSON.stringify(forwarder.read())}`);
  }
  await forwarder.close();
}

await main();
