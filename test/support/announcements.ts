/** Hears gratuitous ARP and unsolicited neighbour advertisements on a device of a lab's host. It needs python3. */
import type { LabHost } from '../../lib/lab/lab-host.js';
import type { LabProcess } from '../../lib/lab/lab-process.js';

const SCRIPT = `
import socket, sys
device = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
device.bind((sys.argv[1], 3))
print('listening', flush=True)
while True:
    frame = device.recv(2048)
    kind, station = frame[12:14], frame[6:12].hex(':')
    if kind == b'\\x08\\x06' and frame[28:32] == frame[38:42]:
        print('arp', socket.inet_ntoa(frame[28:32]), station, flush=True)
    if kind == b'\\x86\\xdd' and frame[20] == 58 and frame[54] == 136 and not frame[58] & 0x40 and frame[58] & 0x20:
        print('na', socket.inet_ntop(socket.AF_INET6, frame[62:78]), station, flush=True)
`;

export class Announcements {
  readonly #process: LabProcess;

  static async hear(host: LabHost, device: string): Promise<Announcements> {
    const process = host.spawn(['python3', '-c', SCRIPT, device]);
    await process.line((line) => line === 'listening');
    return new Announcements(process);
  }

  private constructor(process: LabProcess) {
    this.#process = process;
  }

  /** The stations that have announced the address, in order. */
  of(address: string): string[] {
    return this.#process.lines.flatMap((line) => {
      const [, announced, station] = line.split(' ');
      return announced === address && station !== undefined ? [station] : [];
    });
  }
}
