/**
 * The program at the far ends of the director's wires, in Python, which every build machine has and which can open
 * packet sockets.
 *
 * After each group of packets it sends a datagram to a service that schedules each by itself, so that it takes the way
 * through the engine: it comes out when the director is done with all before it. The program keeps to one CPU, so that
 * what the kernel does at once, as the packet is sent, is done before. Behind a group that settles it leaves the
 * director the time to see its queue empty, which is when connections are handed over to the program in the kernel.
 */
export const WIRE_SCRIPT = `
import json, os, select, socket, struct, sys, time
ALL, OUTGOING = 0x0003, 4
given = json.loads(sys.argv[1])
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
sockets, ends = {}, {}
for side in ('clients', 'servers'):
    device = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    device.setsockopt(socket.SOL_SOCKET, 33, 4 << 20)
    device.bind((side, ALL))
    device.setblocking(False)
    sockets[side] = device
    ends[side] = bytes.fromhex(given[side].replace(':', ''))
barriers = 0
def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total > 0xffff: total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
source, target = [socket.inet_aton(address) for address in ('172.31.255.254', given['barrier'])]
header = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 32, 0, 0x4000, 64, 17, 0, source, target)
header = header[:10] + struct.pack('!H', checksum(header)) + header[12:] + struct.pack('!HHHH', 9, 9, 12, 0)
def send(side, packet):
    protocol = 0x86dd if packet[0] >> 4 == 6 else 0x0800
    sockets[side].sendto(packet, (side, protocol, 0, 0, ends[side]))
def take(came, sent, awaited):
    done = False
    for side, device in sockets.items():
        while True:
            try: data, address = device.recvfrom(65535)
            except BlockingIOError: break
            if address[2] == OUTGOING or address[1] not in (0x0800, 0x86dd): continue
            if data[36:40] == target:
                if data[48:52] == awaited: done = True
            else: came.append((side, sent, data.hex()))
    return done
poller = select.poll()
for device in sockets.values(): poller.register(device, select.POLLIN)
def barrier(came, sent):
    global barriers
    barriers += 1
    awaited = struct.pack('!I', barriers)
    send('clients', header + awaited)
    until = time.monotonic() + 10
    while not take(came, sent, awaited):
        if time.monotonic() > until: raise TimeoutError('the datagram behind packet %d did not come back' % sent)
        poller.poll(1000)
def play(side, groups):
    came, sent = [], 0
    barrier(came, 0)
    for group in groups:
        for packet in group['packets']:
            send(side, bytes.fromhex(packet))
            sent += 1
        barrier(came, sent)
        if group['settles']: time.sleep(0.0003)
    barrier(came, sent)
    return came
print('{"ready":true}', flush=True)
for line in sys.stdin:
    request = json.loads(line)
    try: answer = {'id': request['id'], 'result': play(**request['argument'])}
    except Exception as error: answer = {'id': request['id'], 'error': repr(error)}
    print(json.dumps(answer, separators=(',', ':')), flush=True)
`;
