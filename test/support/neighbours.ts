/** Sees who claims an address on a link: ARP replies and announcements, neighbour advertisements. It needs python3. */
import type { LabHost } from '../../lib/lab/lab-host.js';

export interface Claim {
  address: string;
  /** The link-layer address that it was claimed for, in the form of ip(8). */
  mac: string;
}

export interface NeighbourCapture {
  /** Returns each claim once. REQUIRES: the traffic of interest is over. */
  stop(): Promise<Claim[]>;
}

const SCRIPT = `
import json, select, signal, socket, struct, sys
device = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
device.bind((sys.argv[1], 0))
ending = False
def end(*_):
    global ending
    ending = True
signal.signal(signal.SIGTERM, end)
print('capturing', flush=True)
claims = set()
mac = lambda data: ':'.join('%02x' % byte for byte in data)
def take(frame):
    kind = struct.unpack_from('!H', frame, 12)[0]
    if kind == 0x0806:
        sender, address = frame[22:28], socket.inet_ntoa(frame[28:32])
        # Of a request too: whoever reads it learns the sender.
        if address != '0.0.0.0': claims.add((address, mac(sender)))
    if kind == 0x86dd and frame[20] == 58 and frame[54] == 136:
        options = frame[78:]
        target = mac(options[2:8]) if len(options) >= 8 and options[0] == 2 else mac(frame[6:12])
        claims.add((socket.inet_ntop(socket.AF_INET6, frame[62:78]), target))
def drain():
    while select.select([device], [], [], 0)[0]: take(device.recv(2048))
while not ending:
    if select.select([device], [], [], 0.1)[0]: drain()
drain()
print(json.dumps([{'address': address, 'mac': mac} for address, mac in sorted(claims)]), flush=True)
`;

export async function captureNeighbours(host: LabHost, device: string): Promise<NeighbourCapture> {
  const child = host.spawn(['python3', '-c', SCRIPT, device]);
  await child.line((line) => line === 'capturing');
  return {
    async stop() {
      child.kill('SIGTERM');
      const claims = JSON.parse(await child.line((line) => line.startsWith('['))) as Claim[];
      await child.exited;
      return claims;
    },
  };
}

export async function macOf(host: LabHost, device: string): Promise<string> {
  const { stdout } = await host.exec(['cat', `/sys/class/net/${device}/address`]);
  return stdout.trim();
}
