/**
 * Datagrams that are sent in pieces, in an order of one's choice, and answered in the same way; kernels put them
 * together. It needs python3.
 */
import type { LabHost } from '../../lib/lab/lab-host.js';

/** In `whole` there is one piece. */
export const orders = ['whole', 'inOrder', 'reversed', 'lastFirst', 'firstLast', 'evenThenOdd'] as const;
export type PieceOrder = (typeof orders)[number];

export interface TornEchoRequest {
  address: string;
  port: number;
  /** Of what is asked and of what is answered. */
  orders: readonly [PieceOrder, PieceOrder];
  /** IPv4 allows datagrams without one. */
  hasChecksum: boolean;
  bytes: number;
}

const COMMON = `
import json, random, socket, struct, sys
PIECE = 1208
def packed(address): return socket.inet_pton(socket.AF_INET6 if ':' in address else socket.AF_INET, address)
def checksum(data):
    data += b'\\0' * (len(data) % 2)
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16: total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
def datagram(source, destination, ports, payload, has_checksum):
    header = struct.pack('!HHHH', *ports, 8 + len(payload), 0)
    pseudo = packed(source) + packed(destination) + struct.pack('!II', 8 + len(payload), 17)
    check = checksum(pseudo + header + payload) or 0xffff
    return header[:6] + struct.pack('!H', check if has_checksum else 0) + payload
def ordered(pieces, order):
    if order == 'reversed': return pieces[::-1]
    if order == 'lastFirst': return pieces[-1:] + pieces[:-1]
    if order == 'firstLast': return pieces[1:] + pieces[:1]
    if order == 'evenThenOdd': return pieces[::2] + pieces[1::2]
    return pieces
def packet(source, destination, identification, offset, data, more):
    if ':' in source:
        fragment = struct.pack('!BBHI', 17, 0, offset | more, identification) if offset or more else b''
        head = struct.pack('!IHBB', 6 << 28, len(fragment + data), 44 if fragment else 17, 64)
        return head + packed(source) + packed(destination) + fragment + data
    return struct.pack('!BBHHHBBH', 69, 0, 20 + len(data), identification & 0xffff, more << 13 | offset >> 3, 64, 17, 0) \\
        + packed(source) + packed(destination) + data
def send_torn(source, destination, ports, payload, order, has_checksum):
    data = datagram(source, destination, ports, payload, has_checksum)
    size = len(data) if order == 'whole' else PIECE
    starts = range(0, len(data), size)
    identification = random.getrandbits(32)
    sender = socket.socket(socket.AF_INET6 if ':' in source else socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for at in ordered(list(starts), order):
        piece = packet(source, destination, identification, at, data[at:at + size], int(at + size < len(data)))
        sender.sendto(piece, (destination, 0))
def open_udp(address, port):
    receiver = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind((address, port))
    return receiver
`;

const SERVER = `${COMMON}
receiver = open_udp(sys.argv[1], int(sys.argv[2]))
print('listening', flush=True)
while True:
    payload, (client, port, *_) = receiver.recvfrom(65536)
    order, has_checksum, _ = payload.split(b' ', 2)
    send_torn(sys.argv[1], client, (int(sys.argv[2]), port), payload, order.decode(), has_checksum == b'1')
`;

const CLIENT = `${COMMON}
asked = json.loads(sys.argv[1])
here, there = asked['from'], asked['address']
receiver = open_udp(here, 0)
receiver.connect((there, asked['port']))
receiver.settimeout(5)
head = b'%s %d ' % (asked['orders'][1].encode(), asked['hasChecksum'])
payload = head + random.randbytes(asked['bytes'] - len(head))
send_torn(here, there, (receiver.getsockname()[1], asked['port']), payload, asked['orders'][0], asked['hasChecksum'])
try: print(json.dumps(receiver.recv(65536) == payload))
except TimeoutError: print('null')
`;

export async function startTornEcho(host: LabHost, address: string, port: number): Promise<void> {
  await host.spawn(['python3', '-c', SERVER, address, `${port}`]).line((line) => line === 'listening');
}

/** Says whether the answer is what was asked; undefined when there is none. */
export async function tornEcho(host: LabHost, from: string, request: TornEchoRequest): Promise<boolean | undefined> {
  const { stdout } = await host.exec(['python3', '-c', CLIENT, JSON.stringify({ from, ...request })]);
  return (JSON.parse(stdout) as boolean | null) ?? undefined;
}
