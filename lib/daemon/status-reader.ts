/** Reads the status of a director. */
import { setTimeout as delay } from 'node:timers/promises';
import type { DirectorDevice } from '../director/director-device.js';
import type { Director } from '../director/director.js';
import type { DirectorEvents } from '../director/events.js';
import type { TablePages } from '../stats/table-pages.js';
import type { WorkerCpu } from '../stats/worker-cpu.js';
import { snakeCase } from '../metrics/label-set.js';
import { type CounterName, dropNames } from '../stats/counter-names.js';
import { type DirectorSample, RateMeter, type RatedRealServer, type RatedVirtualService } from '../stats/rates.js';
import { type RealServerKey, serverName } from '../values/server-options.js';
import { serviceIdentity, serviceName, nativeServiceKey } from '../values/service-key.js';
import type { ServerHealth, ServiceHealth } from '../health/events.js';
import { healthSentences } from '../health/sentences.js';
import type { Membership } from '../fleet/membership.js';
import type { HealthSlot } from '../health/view.js';
import { TunvsError } from '../values/errors.js';
import { serverStatusOf, serviceStatusOf } from './health-report.js';
import type { DropStatus, EventStatus, ServerState, ServerStatus, ServiceStatus, Status } from './status.js';

/** What is read of a director, and listened to. */
export type Observed = Pick<
  Director,
  | 'stats'
  | 'workerCpu'
  | 'tablePages'
  | 'virtualServices'
  | 'device'
  | 'markDevices'
  | 'sources'
  | 'role'
  | 'heldBack'
  | 'warnings'
  | 'on'
  | 'off'
> &
  Partial<Pick<Director, 'state'>>;

export interface StatusReaderOptions {
  name: string;
  version: string;
  /** The milliseconds between the two readings that rates are about. The default is 500. */
  intervalMs?: number;
  /** Where the monitor of health is, or will be. */
  health?: HealthSlot;
  /** How the director stands to its fleet. */
  fleet?: Pick<Membership, 'condition'>;
}

/** How many events are kept. */
const MOST_EVENTS = 20;

/** Keeps the last events of the director from now on, until it is closed. */
export class StatusReader {
  readonly #director: Observed;
  readonly #options: StatusReaderOptions;
  readonly #beganAtMs = performance.now();
  readonly #events: EventStatus[] = [];
  readonly #off: (() => void)[] = [];
  #reading: Promise<Status> | undefined;
  readonly #onEvent = (...[event]: DirectorEvents['event']) => this.#keep(event.type, event.message);
  readonly #onWarning = (...[warning]: DirectorEvents['warning']) => this.#keep('warning', warning.message);

  constructor(director: Observed, options: StatusReaderOptions) {
    this.#director = director;
    this.#options = options;
    director.on('event', this.#onEvent);
    director.on('warning', this.#onWarning);
    const { health } = options;
    if (health === undefined) return;
    for (const name of ['server', 'quorum', 'failOpen'] as const)
      this.#off.push(health.listen(name, (event) => this.#keep('health', healthSentences[name](event as never))));
  }

  /** Takes the interval of the options. Who asks meanwhile gets the same status. */
  read(): Promise<Status> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  close(): void {
    this.#director.off('event', this.#onEvent);
    this.#director.off('warning', this.#onWarning);
    for (const off of this.#off) off();
  }

  #keep(type: string, message: string): void {
    this.#events.unshift({ atMs: Date.now(), type, message });
    this.#events.splice(MOST_EVENTS);
  }

  async #read(): Promise<Status> {
    const { intervalMs = 500, name, version, fleet: membership } = this.#options;
    const director = this.#director;
    const meter = new RateMeter(director.stats(), performance.now());
    const cpuBefore = director.workerCpu();
    await delay(intervalMs);
    const sample = meter.sample(director.stats(), performance.now());
    const { device, markDevices, role, heldBack, sources, state, warnings } = director;
    const fleet = membership?.condition();
    return {
      ...{ name, version, pid: process.pid, atMs: Date.now(), upMs: performance.now() - this.#beganAtMs },
      intervalMs: sample.intervalMs,
      ...(device && { device: deviceStatus(device) }),
      markDevices: markDevices.map((each) => ({ name: each.name, mark: each.mark })),
      ...{ role, heldBack },
      ...(fleet && { fleet }),
      sources: [...sources],
      ...(state && { state }),
      workers: shares(cpuBefore, director.workerCpu(), sample.intervalMs),
      ...(sample.host && { host: { ...sample.host } }),
      table: { ...tableStatus(sample), ...pagesOf(director) },
      rates: sample.rates,
      drops: dropStatus(sample),
      services: serviceStatus(director, sample.services, this.#options.health),
      events: [...this.#events],
      warnings: [...warnings],
    };
  }
}

function deviceStatus({
  name,
  attached,
  egress,
  steering,
  offloads,
  fastPath,
  rings,
}: DirectorDevice): NonNullable<Status['device']> {
  const inForce = offloads.filter((each) => each.isInForce);
  const { isInForce, reason, hooks } = fastPath;
  return {
    ...{ name, attached, egress, steering, offloads: inForce.map((each) => each.name) },
    fastPath: isInForce,
    fastPathAt: hooks.filter(({ isAttached }) => isAttached).map(({ hook, device }) => `${hook} ${device}`),
    fastPathReason: reason,
    rings: [...rings],
  };
}

function shares(before: WorkerCpu[], now: WorkerCpu[], intervalMs: number): number[] {
  const nanoseconds = (cpu: WorkerCpu | undefined) => (cpu ? cpu.userNs + cpu.systemNs : 0n);
  return now.map((each, worker) => {
    const share = Number(nanoseconds(each) - nanoseconds(before[worker])) / (intervalMs * 1e6);
    return Math.max(0, Math.min(1, share));
  });
}

/** A status is worth reading where /proc is not there, too. */
function pagesOf(director: Pick<Director, 'tablePages'>): TablePages {
  try {
    return director.tablePages();
  } catch (error) {
    if (error instanceof TunvsError && error.code === 'ERR_TUNVS_SYSTEM') return { residentBytes: 0, hugeBytes: 0 };
    throw error;
  }
}

function tableStatus({ table, counters, counterRates }: DirectorSample): Omit<Status['table'], keyof TablePages> {
  const { ipv4, ipv6, capacity, bytes } = table;
  const evicted = Number(counters.connectionsEvicted);
  return { ipv4, ipv6, capacity, bytes, evicted, evictedPerSecond: counterRates.connectionsEvicted };
}

const NOT_SENT: readonly CounterName[] = ['egressNoBuffer', 'egressNoRoute', 'egressTooLong', 'egressFailed'];

function dropStatus({ counters, counterRates }: DirectorSample): DropStatus[] {
  const status = (counter: CounterName, kind: DropStatus['kind']): DropStatus => ({
    ...{ kind, reason: snakeCase(counter.replace(/^(drop|egress)/, '')) },
    ...{ packets: Number(counters[counter]), perSecond: counterRates[counter] },
  });
  return [...dropNames.map((name) => status(name, 'dropped')), ...NOT_SENT.map((name) => status(name, 'not sent'))]
    .filter(({ packets }) => packets > 0)
    .sort((left, right) => right.perSecond - left.perSecond || right.packets - left.packets);
}

function serviceStatus(
  { virtualServices }: Observed,
  rated: RatedVirtualService[],
  slot: HealthSlot | undefined,
): ServiceStatus[] {
  const byName = new Map(rated.map((service) => [serviceName(service), service]));
  return virtualServices.flatMap((handle) => {
    const name = serviceName(handle);
    const service = byName.get(name);
    if (service === undefined) return [];
    const { policy } = handle;
    const health = slot?.of(handle);
    const known = healthByName(health);
    const sorry = new Set(handle.realServers.filter(({ isSorry }) => isSorry).map(serverName));
    const servers = inOrderOf(handle.realServers, service.servers).map((each) =>
      serverStatus(each, known.get(serverName(each)), sorry.has(serverName(each))),
    );
    const sum = (count: 'activeConnections' | 'inactiveConnections') =>
      servers.reduce((total, server) => total + server[count], 0);
    return {
      ...{ name, ...serviceIdentity(nativeServiceKey(handle)), scheduler: service.scheduler },
      ...(policy && { policy: { kind: policy.kind, name: policy.name, failed: Number(policy.counters.failed) } }),
      ...{ activeConnections: sum('activeConnections'), inactiveConnections: sum('inactiveConnections') },
      rates: service.rates,
      ...(health && { health: serviceStatusOf(health) }),
      servers,
    };
  });
}

/** The engine has the newest first, as IPVS has. */
function inOrderOf(
  handles: readonly Required<RealServerKey>[],
  servers: readonly RatedRealServer[],
): RatedRealServer[] {
  const byName = new Map(servers.map((server) => [serverName(server), server]));
  return handles.flatMap((handle) => byName.get(serverName(handle)) ?? []);
}

const healthByName = (health: ServiceHealth | undefined) =>
  new Map(health?.servers.map((each) => [serverName(each.server), each]));

function serverStatus(server: RatedRealServer, health: ServerHealth | undefined, isSorry: boolean): ServerStatus {
  const { address, port, forwarding, weight, effectiveWeight, activeConnections, inactiveConnections, rates } = server;
  return {
    ...{
      name: serverName(server),
      address,
      port,
      forwarding,
      state: stateOf(server, health, isSorry),
      weight,
      effectiveWeight,
    },
    ...{ activeConnections, inactiveConnections, rates },
    ...(health && { health: serverStatusOf(health) }),
  };
}

function stateOf(
  { isUp, isDraining, overloaded, effectiveWeight }: RatedRealServer,
  health: ServerHealth | undefined,
  isSorry: boolean,
): ServerState {
  const isFailing = health?.state === 'down' || health?.state === 'held';
  // A sorry server at rest takes no connections, and nothing is wrong with it.
  if (isUp && isSorry && effectiveWeight === 0 && !isFailing) return 'sorry';
  if (!isUp || health?.isUp === false) return 'down';
  if (isDraining) return 'draining';
  if (overloaded) return 'overloaded';
  return effectiveWeight === 0 ? 'weight 0' : 'up';
}
