/**
 * Runs a director or the null loop on a device with one queue, as its argument (ForwarderOptions in JSON) says. Prints
 * "ready", then repeats each line that it reads with its readings. Ends with its input.
 */
import { createInterface } from 'node:readline';
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
}

export interface ForwarderReadings {
  received: number;
  sent: number;
  userNs: number;
  systemNs: number;
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
  return {
    read() {
      const { counters } = director.stats();
      const [worker] = director.workerCpu();
      return {
        received: Number(counters.received),
        sent: Number(counters.sent),
        userNs: Number(worker?.userNs),
        systemNs: Number(worker?.systemNs),
      };
    },
    close: () => director.close(),
  };
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
      return { received: Number(received), sent: Number(sent), userNs: Number(userNs), systemNs: Number(systemNs) };
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
