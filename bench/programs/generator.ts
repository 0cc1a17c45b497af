/** Floods one virtual address, as its argument (FloodOptions in JSON) says, and prints what it sent. */
import { nativeBench } from '../native-bench.js';

const { packets, ns } = nativeBench.flood(JSON.parse(process.argv[2] ?? '{}'));
console.log(JSON.stringify({ packets: Number(packets), ns: Number(ns) }));
