/**
 * Shows what happens when a real server is drained, by asking the engine itself: a thousand clients connect, one real
 * server is drained, and a thousand more connect. The director is offline, so that this needs no device, no privilege
 * and no wait.
 *
 *     node dist/examples/what-if.js [SCHEDULER]
 */
import { Director, type Scheduler } from 'tunvs';

const [scheduler = 'wlc'] = process.argv.slice(2) as Scheduler[];
const CLIENTS = 1000;
const DRAINED_AT_MS = 30_000;

await using director = Director.offline({ source: '10.2.0.2', seed: 1 });
const web = director.addVirtualService({ protocol: 'tcp', address: '10.9.9.9', port: 80, scheduler });
for (const [index, weight] of [3, 2, 1].entries()) web.addRealServer({ address: `10.3.0.${11 + index}`, weight });

/** Real servers with how many of `packets` they get: the outer destination says which. */
function whoGets(packets: Uint8Array[], atMs: number): Record<string, number> {
  const counts = new Map(web.realServers.map(({ address }) => [address, 0]));
  for (const { data } of director.process(packets, atMs).outputs) {
    const server = data.subarray(16, 20).join('.');
    counts.set(server, (counts.get(server) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort());
}

console.log('at first', whoGets(clients(0), 0));
web.realServer({ address: '10.3.0.11' })?.edit({ weight: 0 });
console.log('10.3.0.11 drained, those there', whoGets(clients(0, 'ack'), DRAINED_AT_MS));
console.log('10.3.0.11 drained, new ones', whoGets(clients(CLIENTS), DRAINED_AT_MS));

/** A packet from each of a thousand clients to the virtual service. */
function clients(first: number, kind: 'syn' | 'ack' = 'syn'): Uint8Array[] {
  return Array.from({ length: CLIENTS }, (_, index) => tcpPacket(first + index, kind));
}

function tcpPacket(client: number, kind: 'syn' | 'ack'): Uint8Array {
  const packet = Buffer.alloc(40);
  packet.writeUInt16BE(0x4500, 0);
  packet.writeUInt16BE(packet.length, 2);
  packet.writeUInt16BE(0x4000, 6);
  packet.writeUInt16BE((64 << 8) | 6, 8);
  packet.set([10, 1, client >> 8, client & 255], 12);
  packet.set([10, 9, 9, 9], 16);
  packet.writeUInt16BE(40_000, 20);
  packet.writeUInt16BE(80, 22);
  packet.writeUInt16BE(0x5000 | (kind === 'syn' ? 0x02 : 0x10), 32);
  packet.writeUInt16BE(checksum(packet.subarray(0, 20)), 10);
  return packet;
}

/** RFC 1071 */
function checksum(header: Buffer): number {
  let sum = 0;
  for (let offset = 0; offset < header.length; offset += 2) sum += header.readUInt16BE(offset);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}
