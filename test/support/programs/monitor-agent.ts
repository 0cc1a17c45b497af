/** A process that embeds a director, and watches its real servers as an embedder does. */
import { Director, type DirectorOpenOptions } from '../../../lib/index.js';
import { type CheckTiming, type HealthMonitor, monitorHealth, tcpCheck } from '../../../lib/health/index.js';
import { serveAgent } from '../../../lib/lab/agent.js';

interface Watched {
  virtualAddress: string;
  port: number;
  servers: string[];
  sorryServers?: string[];
  timing: CheckTiming;
}

let director: Director | undefined;
let monitor: HealthMonitor | undefined;
const news: { address: string; isUp: boolean; reason?: string; message: string }[] = [];

serveAgent({
  async open(options: DirectorOpenOptions) {
    director = await Director.open(options);
    monitor = monitorHealth(director);
    monitor.on('server', ({ server, isUp, reason, message }) =>
      news.push({ address: server.address, isUp, ...(reason && { reason }), message }),
    );
  },
  watch({ virtualAddress, port, servers, sorryServers = [], timing }: Watched) {
    const service = director?.addVirtualService({ protocol: 'tcp', address: virtualAddress, port, scheduler: 'rr' });
    if (service === undefined) throw new Error('open it first');
    for (const address of servers) service.addRealServer({ address });
    for (const address of sorryServers) service.addRealServer({ address, isSorry: true });
    monitor?.watch(service, { checks: [tcpCheck()], ...timing });
  },
  /** Returns the news since the last call. */
  news() {
    return news.splice(0);
  },
  run({ source, argument }: { source: string; argument: unknown }) {
    return new Function('director', 'argument', `return (${source})(director, argument);`)(director, argument);
  },
  async close() {
    await monitor?.close();
    await director?.close();
  },
});
