/**
 * Runs a director or the null loop on a device with one queue, as its argument (ForwarderOptions in JSON) says. Prints
 * "ready", then repeats each line that it reads with its readings. Ends with its input.
 */
import { createInterface } from 'node:readline';
import type { Door } from '../../lib/control/door/door.js';
import { serveControl } from '../../lib/control/serve-control.js';
import { Director, type Egress } from '../../lib/index.js';
import { DirectorHost } from '../../lib/host/director-host.js';
import { nativeBench } from '../native-bench.js';

export interface ForwarderOptions {
  kind: 'director' | 'null';
  device: string;
  egress: Egress;
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
  userNs: number;
  systemNs: number;
  /** Of the process but the workers: the event loop, its helpers and the collector. */
  otherNs: number;
}

interface Forwarder {
  read(): ForwarderReadings;
  close(): Promise<void>;
}

const MAX_PACKET_BYTES = 2048;

async function openDirector(options: ForwarderOptions): Promise<Forwarder> {
  const director = await Director.open({
    source: options.source,
    device: { name: options.device, queues: 1, maxPacketBytes: MAX_PACKET_BYTES },
    egress: options.egress,
  });
  const service = director.addVirtualService({ protocol: 'udp', address: options.virtualAddress, port: options.port });
  service.addRealServer({ address: options.server });
  const door = options.control && (await openControl(director, options.control));
  return {
    read() {
      const { counters } = director.stats();
      const [worker] = director.workerCpu();
      return {
        received: Number(counters.received),
        sent: Number(counters.sent),
        userNs: Number(worker?.userNs),
        systemNs: Number(worker?.systemNs),
        otherNs: processNs() - Number(worker?.userNs) - Number(worker?.systemNs),
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

async function openNullLoop({ device, egress, source, server, virtualAddress }: ForwarderOptions): Promise<Forwarder> {
  const loop = new nativeBench.NullLoop({
    device,
    queues: 1,
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
        userNs: Number(userNs),
        systemNs: Number(systemNs),
        otherNs: 0,
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
