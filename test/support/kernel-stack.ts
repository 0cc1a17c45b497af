/**
 * The kernel's own stack as a host of its own: raw packets go in by a TUN device; what its UDP sockets receive and what
 * it sends comes out. It needs python3, which every build machine has, and the right to make a network namespace.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { udp } from './packets.js';

/** The networks of clients, and the addresses of the kernel under test. */
export const KERNEL = {
  4: { clients: '198.51.100.0/24', marker: '198.51.100.250', own: '192.0.2.10' },
  6: { clients: '2001:db8:1::/64', marker: '2001:db8:1::fa', own: '2001:db8:2::10' },
} as const;
export const LISTENING_PORT = 53;
const MARKER_PORT = 54;

export interface Delivered {
  /** `address port` of who sent it. */
  from: string;
  /** Hexadecimal. */
  payload: string;
}

export interface KernelOutcome {
  delivered: Delivered[];
  /** All packets that the kernel sent to clients. */
  sent: Uint8Array[];
}

const SCRIPT = `
import fcntl, json, os, select, socket, struct, subprocess, sys
own4, own6, clients4, clients6, port, marker_port = sys.argv[1:]
# One CPU, one backlog: what is written first is handled first.
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
tun = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
fcntl.ioctl(tun, 0x400454ca, struct.pack('16sH22x', b'clients', 0x1001))
os.environ['PATH'] += ':/usr/sbin:/sbin'
def ip(arguments): subprocess.run(['ip'] + arguments.split(), check=True)
for arguments in ['link set lo up', 'link set clients up mtu 65535 txqueuelen 10000',
                  'addr add %s/32 dev lo' % own4, 'route add %s dev clients' % clients4,
                  'addr add %s/128 dev lo nodad' % own6, '-6 route add %s dev clients' % clients6]: ip(arguments)
def sysctl(name, value):
    with open('/proc/sys/net/' + name, 'w') as file: file.write(value)
# Nothing is held back, and nothing ends while the test runs: its outcome depends on no clock.
for name, value in [('ipv4/icmp_ratemask', '0'), ('ipv6/icmp/ratelimit', '0'), ('ipv6/icmp/ratemask', ''),
                    ('ipv4/conf/all/rp_filter', '0'), ('ipv4/conf/clients/rp_filter', '0'),
                    ('ipv4/ipfrag_max_dist', '0'), ('ipv4/ipfrag_time', '3600'), ('ipv6/ip6frag_time', '3600'),
                    ('ipv4/ipfrag_high_thresh', '500000000'), ('ipv6/ip6frag_high_thresh', '500000000')]: sysctl(name, value)
def listen(family, address, port):
    found = socket.socket(family, socket.SOCK_DGRAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    found.bind((address, int(port)))
    found.setblocking(False)
    return found
sockets = [listen(socket.AF_INET, own4, port), listen(socket.AF_INET6, own6, port)]
marker_socket = listen(socket.AF_INET, own4, marker_port)
def write(packet):
    try: os.write(tun, bytes.fromhex(packet))
    except OSError: pass  # the device knows neither family by its first byte
def all_of(read):
    found = []
    while True:
        try: found.append(read())
        except BlockingIOError: return found
print(json.dumps('ready'), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    for packet in request['packets']: write(packet)
    write(request['marker'])
    while not select.select([marker_socket], [], [], 5)[0]: raise SystemExit('the marker did not arrive')
    marker_socket.recv(100)
    delivered = []
    for each in sockets:
        for payload, name in all_of(lambda: each.recvfrom(70000)):
            delivered.append({'from': '%s %d' % name[:2], 'payload': payload.hex()})
    print(json.dumps({'delivered': delivered, 'sent': [p.hex() for p in all_of(lambda: os.read(tun, 70000))]}), flush=True)
`;

export class KernelStack implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  #complaints = '';

  static async open(): Promise<KernelStack> {
    const stack = new KernelStack();
    await stack.#answer();
    return stack;
  }

  private constructor() {
    const ends = [KERNEL[4].own, KERNEL[6].own, KERNEL[4].clients, KERNEL[6].clients];
    const child = spawn('unshare', [
      ...['-n', 'python3', '-c', SCRIPT],
      ...[...ends, `${LISTENING_PORT}`, `${MARKER_PORT}`],
    ]);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints += text;
    });
    this.#child = child;
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /** Returns what became of these packets: the kernel has handled all of them by then. */
  async take(packets: readonly Uint8Array[]): Promise<KernelOutcome> {
    const marker = udp({ from: `${KERNEL[4].marker}:1`, to: `${KERNEL[4].own}:${MARKER_PORT}` });
    this.#child.stdin?.write(`${JSON.stringify({ packets: packets.map(hexOf), marker: hexOf(marker) })}\n`);
    const { delivered, sent } = (await this.#answer()) as { delivered: Delivered[]; sent: string[] };
    return { delivered, sent: sent.map((hex) => Uint8Array.from(Buffer.from(hex, 'hex'))) };
  }

  async #answer(): Promise<unknown> {
    const { done, value } = await this.#answers.next();
    if (done) throw new Error(`the program beside the kernel ended: ${this.#complaints}`);
    return JSON.parse(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const hasEnded = new Promise((resolve) => this.#child.once('exit', resolve));
    if (this.#child.exitCode !== null) return;
    this.#child.stdin?.end();
    await hasEnded;
  }
}

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
