/**
 * Captures what passes a device of a lab's host, summed up by flow. It needs python3, which every build machine has.
 */
import type { LabHost } from '../../lib/lab/lab-host.js';

export interface CapturedFlow {
  /** The direction as the host sees it. */
  direction: 'in' | 'out';
  source: string;
  destination: string;
  /** IP protocol number; IPv6 extension headers are not skipped. */
  protocol: number;
  /** The packet inside, where this is a tunnel packet: protocols 4 and 41, GRE, and GUE on port 6080. */
  innerSource: string | null;
  innerDestination: string | null;
  /** The packet that an ICMP error is about. */
  quotedSource: string | null;
  quotedDestination: string | null;
  packets: number;
  bytes: number;
  /** The TTL or hop limit of the last packet. */
  ttl: number;
}

export interface Capture {
  /** REQUIRES: the traffic of interest is over. */
  stop(): Promise<CapturedFlow[]>;
}

/**
 * The kernel fills a ring (TPACKET_V2, see packet(7) and linux/if_packet.h). Unlike a socket's buffer it may be large
 * without privilege over the host, so a burst is not lost.
 */
const SCRIPT = `
import json, mmap, select, signal, socket, struct, sys
SOL_PACKET, RX_RING, STATISTICS, VERSION = 263, 5, 6, 10
FRAME, BLOCK, BLOCKS = 256, 65536, 64
FRAMES = BLOCK * BLOCKS // FRAME
device = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
device.setsockopt(SOL_PACKET, VERSION, 1)
device.setsockopt(SOL_PACKET, RX_RING, struct.pack('4I', BLOCK, BLOCKS, FRAME, FRAMES))
ring = mmap.mmap(device.fileno(), BLOCK * BLOCKS)
device.bind((sys.argv[1], 0x0003))
ending = False
def end(*_):
    global ending
    ending = True
signal.signal(signal.SIGTERM, end)
print('capturing', flush=True)
flows = {}
position = 0
def take():
    global position
    at = position * FRAME
    status, _, _, _, network = struct.unpack_from('IIIHH', ring, at)
    if not status & 1: return False
    protocol, kind = struct.unpack_from('!H', ring, at + 34)[0], ring[at + 42]
    packet = ring[at + network:at + FRAME]
    struct.pack_into('I', ring, at, 0)
    position = (position + 1) % FRAMES
    if protocol not in (0x0800, 0x86dd): return True
    source, destination, carried, length, rest = outer(packet)
    key = ('out' if kind == 4 else 'in', source, destination, carried) + inner(carried, rest) + quoted(carried, rest)
    count = flows.setdefault(key, [0, 0, 0])
    count[0] += 1
    count[1] += length
    count[2] = packet[8] if packet[0] >> 4 == 4 else packet[7]
    return True
def outer(packet):
    if packet[0] >> 4 == 4:
        header = (packet[0] & 15) * 4
        ends = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
        is_later = struct.unpack_from('!H', packet, 6)[0] & 0x1fff
        return (*ends, packet[9], struct.unpack_from('!H', packet, 2)[0], b'' if is_later else packet[header:])
    ends = socket.inet_ntop(socket.AF_INET6, packet[8:24]), socket.inet_ntop(socket.AF_INET6, packet[24:40])
    return (*ends, packet[6], 40 + struct.unpack_from('!H', packet, 4)[0], packet[40:])
def inner(protocol, rest):
    if protocol == 47 and len(rest) > 4: rest = rest[8 if rest[0] & 0x80 else 4:]
    elif protocol == 17 and len(rest) > 12 and struct.unpack_from('!H', rest, 2)[0] == 6080: rest = rest[12 + (rest[8] & 31) * 4:]
    elif protocol not in (4, 41): return (None, None)
    return outer(rest)[:2] if len(rest) >= 40 else (None, None)
def quoted(protocol, rest):
    is_error = protocol == 1 and rest[:1] in (b'\\x03', b'\\x04', b'\\x05', b'\\x0b', b'\\x0c') or protocol == 58 and rest[:1] < b'\\x80'
    return outer(rest[8:])[:2] if is_error and len(rest) >= 48 - 20 * (protocol == 1) else (None, None)
while not ending:
    select.select([device], [], [], 0.1)
    while take(): pass
while take(): pass
_, dropped = struct.unpack('II', device.getsockopt(SOL_PACKET, STATISTICS, 8))
names = ('direction', 'source', 'destination', 'protocol', 'innerSource', 'innerDestination',
  'quotedSource', 'quotedDestination', 'packets', 'bytes', 'ttl')
print(json.dumps({'dropped': dropped, 'flows': [dict(zip(names, [*key, *count])) for key, count in flows.items()]}), flush=True)
`;

export async function startCapture(host: LabHost, device: string): Promise<Capture> {
  const child = host.spawn(['python3', '-c', SCRIPT, device]);
  await child.line((line) => line === 'capturing');
  return {
    async stop() {
      child.kill('SIGTERM');
      const { dropped, flows } = JSON.parse(await child.line((line) => line.startsWith('{')));
      await child.exited;
      if (dropped > 0) throw new Error(`the capture lost ${dropped} packets, so it shows nothing`);
      return flows;
    },
  };
}
