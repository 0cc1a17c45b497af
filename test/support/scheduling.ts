/** Runs schedulers on an offline director and counts which of many clients' first packets each real server gets. */
import { Director, type OfflineDirector } from '../../lib/director/director.js';
import type { SchedulerChoice } from '../../lib/values/scheduler-options.js';
import type { ServiceBehaviour } from '../../lib/values/service-behaviour.js';
import type { VirtualService } from '../../lib/director/virtual-service.js';
import { tcp } from './packets.js';

const VIRTUAL_ADDRESS = '192.0.2.1';

export interface ServerSetting {
  /** `a` is 10.0.0.1, and so on. */
  name: string;
  weight: number;
  upperThreshold?: number;
}

export class Scheduling implements AsyncDisposable {
  readonly director: OfflineDirector;
  readonly service: VirtualService;
  private nowMs = 0;

  /** The servers in the order of adding. */
  constructor(choice: SchedulerChoice & ServiceBehaviour, servers: readonly ServerSetting[] = [], seed = 1) {
    this.director = Director.offline({ source: '10.9.0.1', maxConnections: 65536, seed });
    this.service = this.director.addVirtualService({ protocol: 'tcp', address: VIRTUAL_ADDRESS, port: 80, ...choice });
    this.director.transaction(() => {
      for (const server of servers) this.add(server);
    });
  }

  add({ name, weight, upperThreshold = 0 }: ServerSetting): void {
    this.service.addRealServer({ address: addressOf(name), weight, upperThreshold });
  }

  server(name: string) {
    return this.service.realServer({ address: addressOf(name) });
  }

  /**
   * Returns the names of the servers that clients `first` to `first + count - 1` get, '-' for none. Their connections
   * last. `flags` are the packets' flags, 'S' for first ones.
   */
  open(count: number, first = 0, flags = 'S'): string[] {
    const packets = clientPackets(count, first, flags);
    const chosen = packets.map(() => '-');
    this.nowMs += 4;
    for (const { data, cause } of this.director.process(packets, this.nowMs).outputs) {
      const isTunnel = data[9] === 4;
      if (isTunnel) chosen[cause] = nameOf(data[19] as number);
    }
    return chosen;
  }

  /** Ends the connections of clients `first` to `first + count - 1`; this takes ten seconds and more. */
  end(count: number, first = 0): void {
    this.director.process(clientPackets(count, first, 'A'), this.nowMs);
    this.director.process(clientPackets(count, first, 'R'), this.nowMs);
    this.pass(10_100);
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.director.advance(this.nowMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.director.close();
  }
}

function clientPackets(count: number, first: number, flags: string): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => tcp({ from: client(first + i), to: `${VIRTUAL_ADDRESS}:80`, flags }));
}

/** Makes addresses as far apart as the Internet's: IPVS's hashes treat neighbours and strangers differently. */
function client(index: number): string {
  const bits = Math.imul(index + 1, 0x9e3779b1) >>> 0;
  return `11.${bits >>> 24}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}:${1024 + index}`;
}

export function addressOf(name: string): string {
  return `10.0.0.${name.charCodeAt(0) - 96}`;
}

function nameOf(lastByte: number): string {
  return String.fromCharCode(96 + lastByte);
}

export function countsOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
