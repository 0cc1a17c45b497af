/**
 * A director that checks its real servers both ways: those of the first service by the tunnel, those of the second by
 * their own addresses, as keepalived does. It keeps when each of them left the list, or came back.
 */
import { type CheckTiming, monitorHealth, tcpCheck } from '../../lib/health/index.js';
import { Director } from '../../lib/index.js';
import { serveAgent } from '../../lib/lab/agent.js';

export interface Moved {
  by: 'vip' | 'address';
  address: string;
  isUp: boolean;
  /** The monotonic clock, in nanoseconds, as a decimal. */
  at: string;
}

interface Watched {
  source: string;
  virtualAddress: string;
  port: number;
  servers: string[];
  timing: CheckTiming;
}

const moves: Moved[] = [];

serveAgent({
  async open({ source, virtualAddress, port, servers, timing }: Watched) {
    const director = await Director.open({ source });
    const monitor = monitorHealth(director);
    for (const [index, via] of (['vip', 'address'] as const).entries()) {
      const key = { protocol: 'tcp', address: virtualAddress, port: port + index } as const;
      const service = director.addVirtualService({ ...key, scheduler: 'rr' });
      for (const address of servers) service.addRealServer({ address });
      monitor.watch(service, { checks: [tcpCheck({ port })], via, ...timing });
    }
    // The change is in force when this is told.
    monitor.on('server', ({ service, server, isUp }) => {
      const at = `${process.hrtime.bigint()}`;
      moves.push({ by: service.port === port ? 'vip' : 'address', address: server.address, isUp, at });
    });
  },
  /** Returns what has moved since the last call. */
  moves: () => moves.splice(0),
});
