/** A process that holds what the replies of NAT servers need on its host, for a device that another program has open. */
import { DirectorHost } from '../../../lib/host/director-host.js';
import type { HostEvent } from '../../../lib/host/host-event.js';
import { type HostKeeper, hostKeeper } from '../../../lib/host/host-keeper.js';
import type { NatServer } from '../../../lib/host/nat/nat-server.js';
import { PartsWatch } from '../../../lib/host/parts-watch.js';
import type { SnapshotHost } from '../../../lib/host/snapshot.js';
import { serveAgent } from '../../../lib/lab/agent.js';

class Watch extends PartsWatch {
  readonly devices = [];
  readonly #host: DirectorHost;

  constructor(host: DirectorHost) {
    super(host);
    this.#host = host;
  }

  see(snapshot: SnapshotHost): void {
    this.#host.follow(snapshot);
  }
}

let host: DirectorHost;
let keeper: HostKeeper;
const told: string[] = [];

serveAgent({
  async open({ device, sources }: { device: string; sources: string[] }) {
    host = new DirectorHost({ sources, mtuBytes: 1500 });
    host.open(device);
    keeper = hostKeeper(new Watch(host), ({ type, message }: HostEvent) => told.push(`${type}: ${message}`));
    await keeper.mend();
    return host.warnings;
  },
  setNatServers({ servers }: { servers: NatServer[] }) {
    host.setNatServers(servers);
  },
  setNatSources({ sources }: { sources: string[] }) {
    host.setNatSources(sources);
  },
  /** Looks at the host now, and returns what was told since the last time. */
  async look() {
    await keeper.mend();
    return told.splice(0);
  },
  close() {
    keeper.close();
    return host.close().map(String);
  },
});
