/** A server that says something all the time, unasked, and a client that listens. They need python3. */
import type { LabHost } from '../../lib/lab/lab-host.js';
import type { LabProcess } from '../../lib/lab/lab-process.js';

const SERVER = `
import socket, sys, threading, time
def tick(peer):
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while True:
        try: peer.send(b'tick\\n')
        except OSError: return
        time.sleep(0.02)
server = socket.create_server(('::', int(sys.argv[1])), family=socket.AF_INET6, dualstack_ipv6=True)
print('listening', flush=True)
while True: threading.Thread(target=tick, args=(server.accept()[0],), daemon=True).start()
`;

const CLIENT = `
import socket, sys
for line in socket.create_connection((sys.argv[1], int(sys.argv[2])), 10).makefile(): print(line, end='', flush=True)
`;

export async function startTicker(host: LabHost, port: number): Promise<void> {
  await host.spawn(['python3', '-c', SERVER, `${port}`]).line((line) => line === 'listening');
}

/** Resolves when the first tick has come; its lines are the ticks. */
export async function listen(host: LabHost, address: string, port: number): Promise<LabProcess> {
  const child = host.spawn(['python3', '-c', CLIENT, address, `${port}`]);
  await child.line((line) => line === 'tick');
  return child;
}
