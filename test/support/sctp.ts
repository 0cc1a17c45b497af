/** SCTP without a kernel that knows it: packets are written and answered through raw sockets. It needs python3. */
import type { LabHost } from '../../lib/lab/lab-host.js';
import type { LabProcess } from '../../lib/lab/lab-process.js';
import type { DirectorAgent } from './director-agent.js';

const COMMON = String.raw`
import json, select, socket, struct, sys, time
TABLE = []
for value in range(256):
    for _ in range(8): value = value >> 1 ^ (0x82f63b78 if value & 1 else 0)
    TABLE.append(value)
def crc32c(data):
    crc = 0xffffffff
    for byte in data: crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xffffffff
INIT, INIT_ACK, DATA, SACK, SHUTDOWN, SHUTDOWN_ACK, COOKIE_ECHO, COOKIE_ACK, SHUTDOWN_COMPLETE = 1, 2, 0, 3, 7, 8, 10, 11, 14
def chunk(kind, body=b'', flags=0):
    return struct.pack('!BBH', kind, flags, 4 + len(body)) + body + b'\0' * (-len(body) % 4)
def packet(source_port, destination_port, tag, content):
    head = struct.pack('!HHI', source_port, destination_port, tag)
    return head + struct.pack('<I', crc32c(head + b'\0\0\0\0' + content)) + content
def handshake(tag): return struct.pack('!IIHHI', tag, 65536, 1, 1, 1)
def open_raw(address):
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    raw = socket.socket(family, socket.SOCK_RAW, 132)
    return raw, (lambda data: data) if family == socket.AF_INET6 else (lambda data: data[(data[0] & 15) * 4:])
def is_whole(data): return len(data) >= 16 and struct.unpack_from('<I', data, 8)[0] == crc32c(data[:8] + b'\0\0\0\0' + data[12:])
`;

/** Answers as an SCTP host does, and names itself in its cookie and in what it says it has received. */
const SERVER = `${COMMON}
name, address, port = sys.argv[1].encode(), sys.argv[2], int(sys.argv[3])
raw, strip = open_raw(address)
raw.bind((address, 0))
print('listening', flush=True)
answers = {
    INIT: lambda body: chunk(INIT_ACK, handshake(2) + struct.pack('!HH', 7, 4 + len(name)) + name),
    COOKIE_ECHO: lambda body: chunk(COOKIE_ACK),
    DATA: lambda body: chunk(DATA, struct.pack('!IHHI', 1, 0, 0, 0) + name, 3),
    SHUTDOWN: lambda body: chunk(SHUTDOWN_ACK),
}
while True:
    data, (client, *_) = raw.recvfrom(65536)
    data = strip(data)
    if not is_whole(data) or struct.unpack_from('!H', data, 2)[0] != port: continue
    answer = answers.get(data[12])
    if answer: raw.sendto(packet(port, struct.unpack_from('!H', data)[0], 1, answer(data[16:])), (client, 0))
`;

/** One association after another; prints what each step was answered with: [chunk type, server's name or ""]. */
const CLIENT = String.raw`${COMMON}
address, port, client_ports = sys.argv[1], int(sys.argv[2]), [int(text) for text in sys.argv[3].split(',')]
raw, strip = open_raw(address)
raw.connect((address, 0))
def ask(client_port, tag, content):
    for _ in range(5):
        raw.send(packet(client_port, port, tag, content))
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            if not select.select([raw], [], [], 0.2)[0]: continue
            data = strip(raw.recv(65536))
            if is_whole(data) and struct.unpack_from('!HH', data) == (port, client_port):
                text = data[16 + 16 + 4:] if data[12] == INIT_ACK else data[16 + 12:] if data[12] == DATA else b''
                return [data[12], text.rstrip(b'\0').decode()]
    return [None, '']
for client_port in client_ports:
    steps = [ask(client_port, 0, chunk(INIT, handshake(1))), ask(client_port, 2, chunk(COOKIE_ECHO, b'cookie'))]
    for number in range(3):
        steps.append(ask(client_port, 2, chunk(DATA, struct.pack('!IHHI', 1 + number, 0, number, 0) + b'hello', 3)))
    if len(sys.argv) > 4: steps.append(ask(client_port, 2, chunk(SHUTDOWN, struct.pack('!I', 1))))
    print(json.dumps(steps), flush=True)
`;

export const sctpChunks = { data: 0, initAck: 2, shutdownAck: 8, cookieAck: 11 } as const;

/** Says whether the kernel has SCTP itself, whose answers would come before ours. */
export async function hasKernelSctp(host: LabHost): Promise<boolean> {
  const script = 'import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)';
  return (await host.tryExec(['python3', '-c', script])).code === 0;
}

export async function startSctpServer(host: LabHost, address: string, port: number): Promise<LabProcess> {
  const child = host.spawn(['python3', '-c', SERVER, host.name, address, `${port}`]);
  await child.line((line) => line === 'listening');
  return child;
}

/**
 * Returns by association what answered each of its steps: the chunk type, and the server's name where the answer has
 * it.
 */
export async function associate(
  host: LabHost,
  { address, port, clientPorts, shutDown }: { address: string; port: number; clientPorts: number[]; shutDown: boolean },
): Promise<[chunk: number | null, server: string][][]> {
  const { stdout } = await host.exec([
    ...['python3', '-c', CLIENT, address, `${port}`, clientPorts.join(',')],
    ...(shutDown ? ['shutDown'] : []),
  ]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Counts the connections of the director's services at the address in each state. */
export function sctpStates(director: DirectorAgent, address: string): Promise<Record<string, number>> {
  return director.run(async (d, virtualAddress) => {
    const counts: Record<string, number> = {};
    for await (const { state } of d.connections({ protocol: 'sctp', virtualAddress }))
      counts[state] = (counts[state] ?? 0) + 1;
    return counts;
  }, address);
}
