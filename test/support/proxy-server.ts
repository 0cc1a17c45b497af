/** A program that expects a PROXY header, version 2, and a client that sends it data and reads who it is said to be. */
import type { LabHost } from '../../lib/lab/lab-host.js';

const SERVER = `
import hashlib, json, socket, struct, sys, threading
address, port, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
listener = socket.create_server((address, port), family=socket.AF_INET6 if ':' in address else socket.AF_INET)
print('listening', flush=True)
def exactly(connection, count):
    data = b''
    while len(data) < count:
        more = connection.recv(min(count - len(data), 1 << 16))
        if not more: raise EOFError(len(data))
        data += more
    return data
def serve(connection, peer):
    with connection:
        header = exactly(connection, 16)
        assert header[:12] == b'\\r\\n\\r\\n\\0\\r\\nQUIT\\n' and header[12] == 0x21, header
        kind, length = header[13], struct.unpack('!H', header[14:])[0]
        rest = exactly(connection, length)
        family, size = (socket.AF_INET, 4) if kind == 0x11 else (socket.AF_INET6, 16)
        ends = [socket.inet_ntop(family, rest[at:at + size]) for at in (0, size)]
        ports = struct.unpack('!HH', rest[2 * size:])
        count = struct.unpack('!Q', exactly(connection, 8))[0]
        digest = hashlib.sha256()
        while count > 0:
            data = connection.recv(min(count, 1 << 16))
            if not data: raise EOFError(count)
            digest.update(data)
            count -= len(data)
        said = {'server': name, 'peer': peer[0], 'from': [ends[0], ports[0]], 'to': [ends[1], ports[1]]}
        connection.sendall(json.dumps({**said, 'digest': digest.hexdigest()}).encode() + b'\\n')
while True:
    threading.Thread(target=serve, args=listener.accept(), daemon=True).start()
`;

const CLIENT = `
import hashlib, json, random, socket, struct, sys, time
address, port, connections, count, is_urgent, pieces = sys.argv[1], *map(int, sys.argv[2:])
PAUSE = 0.25
results = []
for _ in range(connections):
    with socket.create_connection((address, port), timeout=20) as connection:
        data = random.randbytes(count)
        if pieces > 1: time.sleep(PAUSE)
        connection.send(struct.pack('!Q', count), socket.MSG_OOB if is_urgent else 0)
        size = -(-count // pieces)
        for at in range(0, count, size):
            if at > 0: time.sleep(PAUSE)
            connection.sendall(data[at:at + size])
        said = json.loads(connection.makefile().readline())
        said['own'] = list(connection.getsockname()[:2])
        said['isIntact'] = said.pop('digest') == hashlib.sha256(data).hexdigest()
        results.append(said)
print(json.dumps(results))
`;

/** An address and a port. */
type End = [address: string, port: number];

export interface ProxyResult {
  /** The server's name. */
  server: string;
  /** Whom the server sees in the packets. */
  peer: string;
  /** Who the client is by the header, and which address it asked. */
  from: End;
  to: End;
  /** Who the client is. */
  own: End;
  /** Whether the server got what was sent. */
  isIntact: boolean;
}

export async function startProxyServer(host: LabHost, address: string, port: number): Promise<void> {
  await host.spawn(['python3', '-c', SERVER, address, `${port}`, host.name]).line((line) => line === 'listening');
}

export interface ProxyRequest {
  address: string;
  port: number;
  connections: number;
  /** How much the client sends in each. */
  bytes: number;
  /** Whether what it sends first has an urgent mark. */
  isUrgent?: boolean;
  /** In how many pieces it sends that, with a quarter of a second before each; 1 unless given: all at once. */
  pieces?: number;
}

export async function askProxyServer(host: LabHost, request: ProxyRequest): Promise<ProxyResult[]> {
  const { address, port, connections, bytes, isUrgent = false, pieces = 1 } = request;
  const numbers = [port, connections, bytes, Number(isUrgent), pieces].map(String);
  const { stdout } = await host.exec(['python3', '-c', CLIENT, address, ...numbers], {
    timeoutMs: 30_000 + pieces * 1000,
  });
  return JSON.parse(stdout) as ProxyResult[];
}
