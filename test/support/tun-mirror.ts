/**
 * A program that has a TUN device open in place of a director that knows no packet: it says what comes out, and writes
 * it back as it came. It can be given further packets to write.
 */
import type { LabHost } from '../../lib/lab/lab-host.js';
import type { LabProcess } from '../../lib/lab/lab-process.js';

const PROGRAM = `
import fcntl, json, os, select, socket, struct, sys
device = os.open('/dev/net/tun', os.O_RDWR)
fcntl.ioctl(device, 0x400454ca, struct.pack('16sH', sys.argv[1].encode(), 0x1001))
print('open', flush=True)
rest_of_line = b''
while True:
    for ready in select.select([device, sys.stdin], [], [])[0]:
        if ready != device:
            asked = os.read(0, 65536)
            if asked == b'': sys.exit()
            *lines, rest_of_line = (rest_of_line + asked).split(b'\\n')
            for line in lines: os.write(device, bytes.fromhex(line.decode()))
            continue
        packet = os.read(device, 70000)
        os.write(device, packet)
        if packet[0] >> 4 == 4:
            source, destination = (socket.inet_ntop(socket.AF_INET, packet[at:at + 4]) for at in (12, 16))
            protocol, rest, part = packet[9], packet[20:], struct.unpack('!H', packet[6:8])[0] & 0x3fff
        else:
            source, destination = (socket.inet_ntop(socket.AF_INET6, packet[at:at + 16]) for at in (8, 24))
            protocol, rest, part = packet[6], packet[40:], 0
            if protocol == 44: protocol, part, rest = rest[0], 1, rest[8:]
        ported = protocol in (6, 17, 132) and part == 0
        seen = dict(source=source, destination=destination, protocol=protocol, isFragment=part != 0)
        if ported: seen['port'] = struct.unpack('!H', rest[:2])[0]
        print(json.dumps(seen), flush=True)
`;

/** A packet that came out of the device. */
export interface MirroredPacket {
  source: string;
  destination: string;
  protocol: number;
  isFragment: boolean;
  /** The source port, where the packet shows one. */
  port?: number;
}

export class TunMirror {
  readonly #process: LabProcess;
  #seen: MirroredPacket[] = [];

  static async open(host: LabHost, device: string): Promise<TunMirror> {
    const child = host.spawn(['python3', '-c', PROGRAM, device]);
    await child.line((line) => line === 'open');
    return new TunMirror(child);
  }

  private constructor(child: LabProcess) {
    this.#process = child;
    child.onLine((line) => {
      if (line.startsWith('{')) this.#seen.push(JSON.parse(line) as MirroredPacket);
    });
  }

  /** Returns what has come out since the last time. */
  take(): MirroredPacket[] {
    return this.#seen.splice(0);
  }

  write(packet: Uint8Array): void {
    this.#process.writeLine(Buffer.from(packet).toString('hex'));
  }

  async close(): Promise<void> {
    await this.#process.stop('SIGKILL');
  }
}
