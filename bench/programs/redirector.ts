/**
 * Has the kernel send on what comes in by a device, as its argument says in JSON. Prints "ready", then repeats each line
 * that it reads with the number of packets that the other device has sent. Ends with its input.
 */
import { createInterface } from 'node:readline';
import { readDeviceCounters } from '../../lib/host/device-counters.js';
import { nativeBench } from '../native-bench.js';

const options = JSON.parse(process.argv[2] ?? '{}') as { from: string; to: string; address: string };
nativeBench.redirect(options);
console.log('ready');
for await (const line of createInterface({ input: process.stdin }))
  console.log(`${line} ${JSON.stringify({ sent: Number(readDeviceCounters(options.to)?.sentPackets) })}`);
