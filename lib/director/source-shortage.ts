/**
 * Says when full NAT is about to run out of pairs of address and port for a real server: a server that has as many
 * connections as there are pairs gets no new ones (`dropNoPort`). Services that have one server share its pairs.
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
  /** Says whether any server takes pairs; the rows of all services are read only then. */
  hasFullNat(): boolean;
  services(): readonly NativeServiceRow[];
  report(event: EngineEvent): void;
}

/** A real server as the pairs know it: services of one protocol may have it in common. */
interface PairedServer {
  readonly row: NativeServerRow;
  /** The names of its services. */
  readonly services: string[];
}

export class SourceShortage {
  readonly #backing: SourceShortageBacking;
  /** By protocol and endpoint. */
  #levels = new Map<string, Level>();

  constructor(backing: SourceShortageBacking) {
    this.#backing = backing;
  }

  look(): void {
    const levels = new Map<string, Level>();
    const things: string[] = [];
    const servers = this.#backing.hasFullNat() ? pairedServers(this.#backing.services()) : [];
    for (const [key, { row, services }] of servers) {
      const before = this.#levels.get(key);
      const level = levelOf(row, before);
      if (level === undefined) continue;
      levels.set(key, level);
      if (level === before) continue;
      const { sourcePairsInUse, sourcePairs } = row;
      things.push(`${formatEndpoint(row)} of ${services.join(' and ')} (${sourcePairsInUse} of ${sourcePairs})`);
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

function pairedServers(services: readonly NativeServiceRow[]): Map<string, PairedServer> {
  const paired = new Map<string, PairedServer>();
  for (const service of services)
    for (const row of service.servers) {
      if (row.sourcePairs === undefined) continue;
      const key = `${service.protocol} ${formatEndpoint(row)}`;
      const server = paired.get(key) ?? { row, services: [] };
      server.services.push(serviceName(serviceIdentity(service)));
      paired.set(key, server);
    }
  return paired;
}

function levelOf({ sourcePairs = 0, sourcePairsInUse = 0 }: NativeServerRow, before: Level | undefined) {
  const part = sourcePairsInUse / sourcePairs;
  if (part >= 1) return 'out';
  if (part >= SHORT) return before ?? 'short';
  return part >= WELL ? before : undefined;
}
