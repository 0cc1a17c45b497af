/** Floods one virtual address, as its argument (FloodOptions in JSON) says, and prints what it sent. What it took to start is said apart. */
import { nativeBench } from '../native-bench.js';

const { user, system } = process.cpuUsage();
const { packets, ns } = nativeBench.flood(JSON.parse(process.argv[2] ?? '{}'));
console.log(JSON.stringify({ packets: Number(packets), ns: Number(ns), startCpuNs: (user + system) * 1000 }));
