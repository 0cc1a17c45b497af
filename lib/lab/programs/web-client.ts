/** The lab's client: HTTP over named or single connections and UDP, steered through the agent's operations. */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { serveAgent } from '../agent.js';
import { closeConnection, fetchMany, fetchOnce, resume } from './http-requests.js';
import type { UdpRequest, UdpResult } from './requests.js';

/** Sends each datagram again until it is answered, since UDP and the first ARP may lose one. */
async function udp({
  address,
  port,
  sockets,
  datagrams,
  bytes = 0,
  timeoutMs = 5_000,
}: UdpRequest): Promise<UdpResult> {
  const result: UdpResult = { servers: [], failures: [] };
  const exchange = async (socketIndex: number) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    const answers = new Set<string>();
    try {
      await new Promise<void>((resolve) => socket.connect(port, address, resolve));
      for (let index = 0; index < datagrams; index++)
        answers.add(await echo(socket, `${socketIndex}.${index}`.padEnd(bytes, '.'), timeoutMs));
      result.servers.push([...answers].join('+'));
    } catch (error) {
      result.failures.push((error as Error).message);
    } finally {
      socket.close();
    }
  };
  await Promise.all(Array.from({ length: sockets }, (_, index) => exchange(index)));
  return result;
}

function echo(socket: ReturnType<typeof createSocket>, text: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const send = () => socket.send(text);
    const again = setInterval(send, 500);
    const timer = setTimeout(
      () => finish(new Error(`no echo of "${text.slice(0, 40)}" (${text.length} bytes)`)),
      timeoutMs,
    );
    const onMessage = (message: Buffer) => {
      const [server = '', echoed] = message.toString().split(' ');
      if (echoed === text) finish(undefined, server);
    };
    // The path has said that it takes shorter packets only; the next datagrams are shorter.
    const onError = (error: NodeJS.ErrnoException) => (error.code === 'EMSGSIZE' ? send() : finish(error));
    const finish = (error: Error | undefined, server = '') => {
      clearInterval(again);
      clearTimeout(timer);
      socket.off('message', onMessage).off('error', onError);
      if (error) reject(error);
      else resolve(server);
    };
    socket.on('message', onMessage).on('error', onError);
    send();
  });
}

serveAgent({ fetch: fetchOnce, fetchMany, closeConnection, resume, udp });
