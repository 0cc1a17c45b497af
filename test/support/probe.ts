/**
 * Sends echo requests, datagrams and SYNs with a chosen TTL and sees who answers: ping and traceroute in one. It needs
 * python3.
 */
import type { LabHost } from '../../lib/lab/lab-host.js';

export interface ProbeOptions {
  address: string;
  /** `echo`: ICMP or ICMPv6; `udp`: a datagram to `port`; `tcp`: a SYN to it, whose reply is that it connects. */
  kind: 'echo' | 'udp' | 'tcp';
  /** For UDP and TCP. */
  port?: number;
  /** TTL or hop limit. Default 64. */
  ttl?: number;
  /** Payload. Default 32. */
  bytes?: number;
  /** Sets DF and does not fragment what is too long for the first link. Default false. */
  dontFragment?: boolean;
  /** How long to wait for an answer. Default 2000; a probe that nobody answers takes all of it. */
  timeoutMs?: number;
}

export interface ProbeAnswer {
  /** Who answered. */
  from: string;
  kind: 'reply' | 'timeExceeded' | 'unreachable' | 'tooBig' | 'other';
  type: number;
  code: number;
  /** For tooBig: the MTU that it names. */
  mtu: number;
  /** For a reply: the payload came back as it was sent. */
  isIntact: boolean;
}

/**
 * Prints one line: the first answer to the probe, ICMP errors that quote it included, or null. The quoted packet is
 * recognised by its destination, and by its ports or identifier.
 */
const SCRIPT = `
import json, os, select, socket, struct, sys, time
asked = json.loads(sys.argv[1])
six = ':' in asked['address']
family = socket.AF_INET6 if six else socket.AF_INET
icmp_protocol = 58 if six else 1
target = socket.inet_pton(family, asked['address'])
payload = bytes(97 + i % 23 for i in range(asked['bytes']))
identifier = os.getpid() & 0xffff
icmp = socket.socket(family, socket.SOCK_RAW, icmp_protocol)
PROTOCOLS = {'udp': (17, socket.SOCK_DGRAM), 'tcp': (6, socket.SOCK_STREAM)}
if asked['kind'] in PROTOCOLS:
    probed, type = PROTOCOLS[asked['kind']]
    sender = socket.socket(family, type)
    sender.bind(('', 0))
    port = sender.getsockname()[1]
else:
    sender = icmp
if six: sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, asked['ttl'])
else: sender.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, asked['ttl'])
IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, PROBE, DONT = 10, 23, 3, 0
mode = PROBE if asked['dontFragment'] else DONT
sender.setsockopt(*((socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, mode) if six else (socket.IPPROTO_IP, IP_MTU_DISCOVER, mode)))
def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data[:len(data) // 2 * 2])) + (data[-1] << 8 if len(data) % 2 else 0)
    while total >> 16: total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
if asked['kind'] == 'udp':
    sender.sendto(payload, (asked['address'], asked['port']))
elif asked['kind'] == 'tcp':
    sender.setblocking(False)
    sender.connect_ex((asked['address'], asked['port']))
else:
    message = struct.pack('!BBHHH', 128 if six else 8, 0, 0, identifier, 1) + payload
    if not six: message = message[:2] + struct.pack('!H', checksum(message)) + message[4:]
    icmp.sendto(message, (asked['address'], 0))
NAMES = {3: 'timeExceeded', 1: 'unreachable', 2: 'tooBig'} if six else {11: 'timeExceeded', 3: 'unreachable'}
def is_ours(quoted):
    if six:
        if len(quoted) < 48 or quoted[24:40] != target: return False
        protocol, transport = quoted[6], quoted[40:]
    else:
        if len(quoted) < 28 or quoted[16:20] != target: return False
        protocol, transport = quoted[9], quoted[(quoted[0] & 15) * 4:]
    if asked['kind'] in PROTOCOLS: return protocol == probed and struct.unpack_from('!H', transport)[0] == port
    return protocol == icmp_protocol and struct.unpack_from('!H', transport, 4)[0] == identifier
def answer(source, kind, type, code, mtu=0, intact=False):
    return {'from': source, 'kind': kind, 'type': type, 'code': code, 'mtu': mtu, 'isIntact': intact}
def read():
    waiting = [sender] if asked['kind'] == 'tcp' else []
    readable, connected, _ = select.select([icmp, sender], waiting, [], max(0, deadline - time.monotonic()))
    if asked['kind'] == 'udp' and sender in readable:
        data, (source, *_) = sender.recvfrom(65536)
        return answer(source, 'reply', 0, 0, 0, data.endswith(payload))
    if connected and icmp not in readable:
        error = sender.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return answer(sender.getpeername()[0], 'reply', 0, 0, 0, True) if error == 0 else None
    if icmp not in readable: return None
    packet, (source, *_) = icmp.recvfrom(65536)
    message = packet if six else packet[(packet[0] & 15) * 4:]
    type, code = message[0], message[1]
    if type == (129 if six else 0):
        if asked['kind'] == 'echo' and struct.unpack_from('!H', message, 4)[0] == identifier:
            return answer(source, 'reply', type, code, 0, message[8:] == payload)
        return None
    if type in (8, 128) or not is_ours(message[8:]): return None
    mtu = struct.unpack_from('!I', message, 4)[0] & (0xffffffff if six else 0xffff)
    kind = 'tooBig' if (type, code) == (3, 4) and not six else NAMES.get(type, 'other')
    return answer(source, kind, type, code, mtu)
deadline = time.monotonic() + asked['timeoutMs'] / 1000
result = None
while result is None and time.monotonic() < deadline: result = read()
print(json.dumps(result))
`;

/** Returns undefined when nobody answers in time. */
export async function probe(host: LabHost, options: ProbeOptions): Promise<ProbeAnswer | undefined> {
  const asked = { port: 0, ttl: 64, bytes: 32, dontFragment: false, timeoutMs: 2000, ...options };
  const { stdout } = await host.exec(['python3', '-c', SCRIPT, JSON.stringify(asked)]);
  return (JSON.parse(stdout) as ProbeAnswer | null) ?? undefined;
}

/** Returns the answers to TTL 1, 2, ... until one is a reply or an unreachable; a silent hop is undefined. */
export async function traceroute(
  host: LabHost,
  options: Omit<ProbeOptions, 'ttl'>,
  maxHops = 8,
): Promise<(ProbeAnswer | undefined)[]> {
  const hops: (ProbeAnswer | undefined)[] = [];
  for (let ttl = 1; ttl <= maxHops; ttl++) {
    const answer = await probe(host, { ...options, ttl });
    hops.push(answer);
    if (answer?.kind === 'reply' || answer?.kind === 'unreachable') break;
  }
  return hops;
}
