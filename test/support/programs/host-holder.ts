/** A process that makes its host a director, or a real server, several times over. */
import { Director, type DirectorOpenOptions, RealServerHost, type RealServerHostOptions } from '../../../lib/index.js';
import { serveAgent } from '../../../lib/lab/agent.js';

const open = new Map<string, { close(): Promise<void> }>();

interface DirectorRequest {
  name: string;
  options: DirectorOpenOptions;
  /** Addresses that get a service each. */
  services: readonly string[];
}

serveAgent({
  async director({ name, options, services }: DirectorRequest) {
    const director = await Director.open(options);
    open.set(name, director);
    for (const address of services) director.addVirtualService({ protocol: 'udp', address, port: 53, scheduler: 'rr' });
    return director.warnings;
  },
  async realServer({ name, options }: { name: string; options: RealServerHostOptions }) {
    const server = await RealServerHost.open(options);
    open.set(name, server);
    return server.warnings;
  },
  async close({ name }: { name: string }) {
    await open.get(name)?.close();
    open.delete(name);
  },
});
