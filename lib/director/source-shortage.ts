/**
 * Says when full NAT is about to run out of pairs of address and port for a real server: a server that has as many
 * connections as there are pairs gets no new ones (`dropNoPort`).
 *
 * Each server is told of once when it has come near the end, and once when it has got there; then again after it has
 * had room.
 */
import type { NativeServerRow, NativeServiceRow } from '../native/rows.js';
import type { EngineEvent } from '../values/engine-event.js';
import type { Pulse } from './pulse.js';
import { formatEndpoint } from '../values/inet.js';
import { serviceIdentity, serviceName } from '../values/service-key.js';

/** Which part of the pairs is in use when it is time to say so, and below which it is well again. */
const SHORT = 0.8;
const WELL = 0.7;

const LOOK_INTERVAL_MS = 5000;

/** Looks from now on as often as there is need. */
export function watchSources(pulse: Pick<Pulse, 'every'>, backing: SourceShortageBacking): void {
  const shortage = new SourceShortage(backing);
  pulse.every(LOOK_INTERVAL_MS, () => shortage.look());
}

type Level = 'short' | 'out';

export interface SourceShortageBacking {
  services(): readonly NativeServiceRow[];
  report(event: EngineEvent): void;
}

export class SourceShortage {
  readonly #backing: SourceShortageBacking;
  /** By the server's id. */
  #levels = new Map<number, Level>();

  constructor(backing: SourceShortageBacking) {
    this.#backing = backing;
  }

  look(): void {
    const levels = new Map<number, Level>();
    const things: string[] = [];
    for (const service of this.#backing.services())
      for (const server of service.servers) {
        const before = this.#levels.get(server.id);
        const level = levelOf(server, before);
        if (level === undefined) continue;
        levels.set(server.id, level);
        if (level === before) continue;
        const name = `${formatEndpoint(server)} of ${serviceName(serviceIdentity(service))}`;
        things.push(`${name} (${used(server)} of ${server.sourcePairs})`);
      }
    this.#levels = levels;
    if (things.length === 0) return;
    const many = things.length === 1 ? 'a real server' : `${things.length} real servers`;
    const message =
      `full NAT has few or no pairs of address and port left for ${many}: ${things.join(', ')}; ` +
      'give fullNat.sources more addresses, or the service more real servers';
    this.#backing.report({ type: 'sourcesShort', value: things.length, message, things });
  }
}

const used = ({ activeConnections, inactiveConnections }: NativeServerRow) => activeConnections + inactiveConnections;

function levelOf(server: NativeServerRow, before: Level | undefined): Level | undefined {
  const { sourcePairs } = server;
  if (sourcePairs === undefined) return undefined;
  const part = used(server) / sourcePairs;
  if (part >= 1) return 'out';
  if (part >= SHORT) return before ?? 'short';
  return part >= WELL ? before : undefined;
}
