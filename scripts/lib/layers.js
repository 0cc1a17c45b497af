/**
 * Where things are, and which way arrows point: each folder with what it holds and the folders that it may use. A file
 * belongs to the deepest folder here that it lies in. lint holds the sources to it (graph.js), and CONTRIBUTING.md
 * shows it. A folder that is not there yet has its place already.
 */

/** @typedef {{ folder: string, holds: string, uses: readonly string[] }} Layer */

const vocabulary = ['core'];

/** @type {readonly Layer[]} Bytes and `now` in, bytes and verdicts out, down to `director`; then what runs it. */
export const native = [
  { folder: 'core', holds: 'packets, checksums, addresses, the connection table', uses: [] },
  { folder: 'scheduler', holds: 'a file for each scheduler', uses: vocabulary },
  { folder: 'forward', holds: 'a file for each forwarding method', uses: vocabulary },
  { folder: 'director', holds: 'a vector of packets in, a vector out', uses: ['core', 'scheduler', 'forward'] },
  { folder: 'io', holds: 'devices, sockets, files, threads', uses: vocabulary },
  {
    folder: 'engine',
    holds: 'workers: threads that carry packets from a device to a director and out',
    uses: ['core', 'director', 'io'],
  },
  { folder: 'realserver', holds: "a real server's decapsulator", uses: ['core', 'io'] },
  { folder: 'bench', holds: 'what the benchmark measures', uses: ['core', 'forward', 'director', 'io', 'engine'] },
  {
    folder: 'binding',
    holds: 'the addon: the only folder that includes napi.h',
    uses: ['core', 'director', 'io', 'engine', 'realserver', 'bench'],
  },
];

const values = ['native', 'values'];
const library = [...values, 'stats', 'policy', 'host', 'director'];

/** @type {readonly Layer[]} */
export const lib = [
  { folder: 'native', holds: 'declares the addon and loads it; its only importer', uses: [] },
  {
    folder: 'values',
    holds: 'addresses, service keys, options, errors: plain values and their checks',
    uses: ['native'],
  },
  { folder: 'stats', holds: 'what was counted, rates, the connection table as callers see them', uses: values },
  { folder: 'policy', holds: 'schedulers in JavaScript', uses: [...values, 'stats'] },
  { folder: 'host', holds: 'routes, rules and sysctls of the host: set up, held, undone', uses: [...values, 'stats'] },
  {
    folder: 'director',
    holds: 'the director, its services and real servers',
    uses: [...values, 'stats', 'policy', 'host'],
  },
  { folder: 'realserver', holds: "a real server's host", uses: [...values, 'host'] },
  { folder: 'health', holds: 'checks of real servers, a file each', uses: library },
  { folder: 'metrics', holds: 'figures for others to read', uses: library },
  { folder: 'rules', holds: "ipvsadm's language: read, put into force, listed", uses: library },
  { folder: 'config', holds: 'the configuration file', uses: [...library, 'rules', 'health'] },
  {
    folder: 'daemon',
    holds: 'a director that runs, and what is attached to it',
    uses: [...library, 'rules', 'config', 'health', 'metrics'],
  },
  { folder: 'control', holds: "the running director's doors", uses: [...library, 'rules', 'config', 'daemon'] },
  { folder: 'lab', holds: 'network namespaces with hosts in them', uses: ['values', 'host'] },
  { folder: 'demo', holds: 'the demo', uses: ['values', 'lab'] },
  {
    folder: 'cli',
    holds: 'the commands, a file for each verb',
    uses: [...library, 'realserver', 'health', 'metrics', 'rules', 'config', 'daemon', 'control', 'lab', 'demo'],
  },
  { folder: '', holds: 'index.ts: the public surface', uses: [...library, 'realserver', 'health', 'metrics'] },
];
