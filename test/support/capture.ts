/** Captures what passes a device of a lab's host, summed up by flow. Needs python3, which every build machine has. */
import type { LabHost } from '../../lib/lab/lab-host.js';

export interface CapturedFlow {
  /** Seen from the host. */
  direction: 'in' | 'out';
  source: string;
  destination: string;
  /** IP protocol number; 4 is a tunnel packet. */
  protocol: number;
  /** Of the packet inside, where this is a tunnel packet. */
  innerSource: string | null;
  innerDestination: string | null;
  packets: number;
  bytes: number;
}

export interface Capture {
  /** REQUIRES: the traffic of interest is over. */
  stop(): Promise<CapturedFlow[]>;
}

const SCRIPT = `
import json, select, signal, socket, struct, sys
device = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0003))
device.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE, or RCVBUF where that is not allowed
device.bind((sys.argv[1], 0x0003))
device.setblocking(False)
ending = False
def end(*_):
    global ending
    ending = True
signal.signal(signal.SIGTERM, end)
print('capturing', flush=True)
flows = {}
def take():
    try:
        packet, (_, protocol, kind, *_) = device.recvfrom(64)
    except BlockingIOError:
        return False
    except InterruptedError:
        return True
    if protocol != 0x0800: return True
    size = struct.unpack('!H', packet[2:4])[0]
    address = lambda at: socket.inet_ntoa(packet[at:at + 4])
    header = (packet[0] & 15) * 4
    inner = (address(header + 12), address(header + 16)) if packet[9] == 4 else (None, None)
    key = ('out' if kind == 4 else 'in', address(12), address(16), packet[9]) + inner
    count = flows.setdefault(key, [0, 0])
    count[0] += 1
    count[1] += size
    return True
while not ending:
    select.select([device], [], [], 0.1)
    while take(): pass
while take(): pass
received, dropped = struct.unpack('II', device.getsockopt(263, 6, 8))
names = ('direction', 'source', 'destination', 'protocol', 'innerSource', 'innerDestination', 'packets', 'bytes')
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
