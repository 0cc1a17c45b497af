/**
 * Where things are, and which way arrows point: each folder with what it holds and the folders that it may use. A file
 * belongs to the deepest folder here that it lies in. lint checks the sources against it (graph.js), and
 * CONTRIBUTING.md shows it. A folder that does not exist yet has its place already.
 */

/** @typedef {{ folder: string, holds: string, uses: readonly string[] }} Layer */

/** Puts lists of folders together, each folder once. */
const all = (...lists) => [...new Set(lists.flat())];

const pure = ['core', 'packet'];
const delivered = [...pure, 'table', 'scheduler', 'forward', 'ftp', 'sync'];
const below = (...names) => [...delivered, ...names.map((name) => `director/${name}`)];
const directed = [
  ...below('protocol', 'counters', 'config', 'worker', 'connection', 'fragment', 'delivery'),
  'director',
];
const ports = [...pure, 'io/os'];
const io = [
  ...ports,
  'io/netlink',
  'io/route',
  'io/tc',
  'io/port',
  'io/tun',
  'io/packet',
  'io/ring',
  'io/memory',
  'io/pcap',
  'io/multicast',
];

/** @type {readonly Layer[]} Bytes and `now` in, bytes and verdicts out, down to `director`; then what runs it. */
export const native = [
  { folder: 'core', holds: 'addresses, flow keys, errors, time, locks: plain values', uses: [] },
  { folder: 'packet', holds: 'what stands in packets: read, checked, answered', uses: ['core'] },
  { folder: 'table', holds: 'the connection table: its index, its timer wheels, who gives way', uses: ['core'] },
  { folder: 'scheduler', holds: 'a file for each scheduler', uses: pure },
  { folder: 'ftp', holds: "FTP's control connection: what it says, and replies changed in place", uses: pure },
  { folder: 'forward', holds: 'a file for each forwarding method; path MTUs, outer fragments', uses: pure },
  {
    folder: 'sync',
    holds: 'what directors tell each other of connections: messages read and written, and when to send',
    uses: pure,
  },
  { folder: 'director/protocol', holds: 'states and timeouts of protocols, and the sysctls', uses: below() },
  { folder: 'director/counters', holds: 'what is counted: verdicts and statistics', uses: below() },
  {
    folder: 'director/config',
    holds: 'services and real servers, and how a change comes into force',
    uses: below('protocol', 'counters'),
  },
  {
    folder: 'director/worker',
    holds: 'what each worker has for itself',
    uses: below('protocol', 'counters', 'config'),
  },
  {
    folder: 'director/connection',
    holds: 'entries of the table and what they stand for',
    uses: below('protocol', 'counters', 'config', 'worker'),
  },
  { folder: 'director/fragment', holds: 'datagrams in pieces', uses: below() },
  {
    folder: 'director/delivery',
    holds: 'the way to a real server, and what clients are told',
    uses: below('protocol', 'counters', 'config', 'worker', 'connection', 'fragment'),
  },
  {
    folder: 'director',
    holds: 'a vector of packets in, a vector out',
    uses: below('protocol', 'counters', 'config', 'worker', 'connection', 'fragment', 'delivery'),
  },
  { folder: 'io/os', holds: 'threads, descriptors, files, clocks', uses: ['core'] },
  { folder: 'io/netlink', holds: 'netlink: sockets, requests, answers', uses: ports },
  {
    folder: 'io/route',
    holds: 'routes, neighbours and changes of the host, by netlink',
    uses: [...ports, 'io/netlink'],
  },
  {
    folder: 'io/tc',
    holds: 'TC programs: their maps, loading and attaching them',
    uses: [...ports, 'io/netlink', 'io/route'],
  },
  { folder: 'io/port', holds: 'what a port is, and its halves: a device and an egress', uses: ports },
  { folder: 'io/tun', holds: 'the TUN device', uses: [...ports, 'io/route', 'io/port'] },
  {
    folder: 'io/packet',
    holds: 'sockets that send IP packets or frames, and read ICMP errors',
    uses: [...ports, 'io/route', 'io/port'],
  },
  {
    folder: 'io/ring',
    holds: 'rings of what comes in by a device, and what keeps that from the host',
    uses: [...ports, 'io/netlink', 'io/port'],
  },
  { folder: 'io/memory', holds: 'devices without a kernel', uses: [...ports, 'io/port'] },
  { folder: 'io/pcap', holds: 'captures', uses: [...ports, 'io/port'] },
  {
    folder: 'io/multicast',
    holds: 'sockets that send to multicast groups, and take what comes for them',
    uses: ['core', 'io/os'],
  },
  { folder: 'io', holds: 'the lists of ports and egresses', uses: io },
  {
    folder: 'fastpath',
    holds: 'the program in the kernel, and what keeps it up to date',
    uses: all(['io/os', 'io/netlink', 'io/route', 'io/tc'], directed),
  },
  {
    folder: 'engine',
    holds: 'workers: threads that carry packets from a port to a director and back',
    uses: all(io, 'io', directed, 'fastpath'),
  },
  { folder: 'realserver', holds: "a real server's decapsulator", uses: io },
  { folder: 'bench', holds: 'what the benchmark measures', uses: all(io, 'io', directed, 'fastpath', 'engine') },
  {
    folder: 'bench/peers',
    holds: 'programs that look up in the table and in its peers; compiled by the benchmark alone',
    uses: ['core', 'packet', 'table', 'engine', 'bench'],
  },
  {
    folder: 'binding',
    holds: 'the addon: the only folder that includes napi.h',
    uses: all(io, 'io', directed, 'fastpath', 'engine', 'realserver', 'bench'),
  },
];

const values = ['native', 'values'];
const library = [...values, 'stats', 'policy', 'host', 'director'];
const checked = [...library, 'health/checks', 'health/way', 'health'];
const fleet = ['fleet/etcd', 'fleet'];
const configured = [...checked, ...fleet, 'rules', 'config', 'keepalived'];

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
  { folder: 'realserver', holds: "a real server's host", uses: [...values, 'stats', 'host'] },
  {
    folder: 'health/checks',
    holds: 'the kinds of checks, a file each',
    uses: values,
  },
  { folder: 'health/way', holds: 'how checks reach a real server', uses: [...library, 'health/checks'] },
  {
    folder: 'health',
    holds: 'when real servers are checked, and what follows from it',
    uses: [...library, 'health/checks', 'health/way'],
  },
  { folder: 'fleet/etcd', holds: 'a client of etcd, by HTTP and JSON', uses: values },
  {
    folder: 'fleet',
    holds: 'many directors of one configuration: what etcd holds, and what they tell each other by it',
    uses: [...checked, 'fleet/etcd'],
  },
  { folder: 'metrics', holds: 'figures for others to read', uses: [...checked, ...fleet] },
  { folder: 'rules', holds: "ipvsadm's language: read, put into force, listed", uses: library },
  { folder: 'config', holds: 'the configuration file', uses: [...checked, ...fleet, 'rules'] },
  { folder: 'keepalived', holds: "keepalived's configuration", uses: [...checked, ...fleet, 'rules', 'config'] },
  {
    folder: 'daemon',
    holds: 'a director that runs, and what is attached to it',
    uses: [...configured, 'metrics'],
  },
  { folder: 'control', holds: "the running director's doors", uses: [...configured, 'metrics', 'daemon'] },
  { folder: 'adm', holds: 'tunvsadm: a client without any of the library', uses: [] },
  { folder: 'lab', holds: 'network namespaces with hosts in them', uses: ['values', 'host'] },
  { folder: 'demo', holds: 'the demo', uses: ['values', 'lab'] },
  {
    folder: 'cli',
    holds: 'the commands, a file for each verb',
    uses: [...configured, 'realserver', 'metrics', 'daemon', 'control', 'lab', 'demo'],
  },
  { folder: '', holds: 'index.ts: the public surface', uses: [...checked, ...fleet, 'realserver', 'metrics', 'rules'] },
];
