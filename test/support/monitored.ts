/** A monitor with a virtual clock, whose checks answer what a test says. */
import { Director, type OfflineDirector, type RealServer, type VirtualService } from '../../lib/index.js';
import type { Check, Finding } from '../../lib/health/checks/check.js';
import { CheckFailure } from '../../lib/health/checks/check.js';
import type { HealthEvents } from '../../lib/health/events.js';
import { HealthMonitor } from '../../lib/health/monitor.js';
import { systemParts } from '../../lib/health/monitor-health.js';
import type { MonitorParts } from '../../lib/health/monitor-parts.js';
import type { Reach } from '../../lib/health/probe.js';
import type { MonitorOptions } from '../../lib/health/options.js';
import type { PassiveSignals } from '../../lib/health/rules/observe.js';
import { VirtualClock } from './virtual-clock.js';

/** How a server answers. 'hang' never does, and heeds no signal. */
export type Answer = 'pass' | 'fail' | 'hang' | Partial<Finding>;

export interface Asked {
  readonly atMs: number;
  readonly server: RealServer;
  readonly check: string;
}

export class Monitored {
  readonly clock = new VirtualClock();
  readonly director: OfflineDirector;
  readonly monitor: HealthMonitor;
  readonly told: [keyof HealthEvents, ...unknown[]][] = [];
  readonly asked: Asked[] = [];
  /** By address, or by address and kind. Servers that are not named pass. */
  readonly answers = new Map<string, Answer>();
  readonly signals = new Map<string, PassiveSignals>();
  /** The virtual addresses that the host was prepared for, each time. */
  readonly prepared: string[][] = [];
  /** What is wrong with the host for checks by virtual addresses. */
  oddities: string[] = [];
  /** How long each check takes. */
  takesMs = 0;
  readonly #make: (options: MonitorOptions) => HealthMonitor;
  underWay = 0;
  mostUnderWay = 0;

  constructor(options: MonitorOptions = {}, { reach, ...parts }: Partial<MonitorParts> & { reach?: Reach } = {}) {
    this.director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
    this.#make = (given) =>
      new HealthMonitor(this.director, given, {
        ...systemParts(this.director),
        clock: this.clock,
        random: pseudoRandom(1),
        signals: ({ address }) => this.signals.get(address),
        reaching: {
          reach: (check, server, how, signal) => reach?.(check, server, how, signal) ?? this.#answer(check, server),
          prepare: (servers) => void this.prepared.push([...servers.keys()].map(({ service }) => service.address)),
          warnings: (servers) => ([...servers].length > 0 ? this.oddities : []),
          close: () => {},
        },
        ...parts,
      });
    this.monitor = this.#make(options);
    for (const name of [
      'server',
      'quorum',
      'failOpen',
      'warning',
      'ownFault',
      'notifyFailed',
      'late',
      'applyFailed',
    ] as const)
      this.monitor.on(name, (event: unknown) => void this.told.push([name, event]));
  }

  /** Another monitor of the same director, with the same clock and answers. */
  second(options: MonitorOptions): HealthMonitor {
    return this.#make(options);
  }

  service(vip = '192.0.2.1', servers = 0, weight = 1): VirtualService {
    const service = this.director.addVirtualService({ protocol: 'tcp', address: vip, port: 80, scheduler: 'wrr' });
    this.director.transaction(() => {
      for (let n = 0; n < servers; n += 1)
        service.addRealServer({ address: `10.3.${Math.floor(n / 200)}.${1 + (n % 200)}`, weight });
    });
    return service;
  }

  answer(server: RealServer, answer: Answer, kind?: string): void {
    this.answers.set(kind === undefined ? server.address : `${server.address} ${kind}`, answer);
  }

  /** Returns the servers that went up or down, as '10.3.0.1 down', in order. */
  get changes(): string[] {
    return this.told
      .filter(([name]) => name === 'server')
      .map(([, event]) => event as HealthEvents['server'][0])
      .filter(({ isUp, isFirst }) => !(isUp && isFirst))
      .map(({ server, isUp }) => `${server.address} ${isUp ? 'up' : 'down'}`);
  }

  async close(): Promise<void> {
    await this.monitor.close();
    await this.director.close();
  }

  async #answer(check: Check, server: RealServer): Promise<Finding> {
    this.asked.push({ atMs: this.clock.nowMs(), server, check: check.kind });
    this.underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    const answer = this.answers.get(`${server.address} ${check.kind}`) ?? this.answers.get(server.address) ?? 'pass';
    if (answer === 'hang') return new Promise(() => {});
    if (this.takesMs > 0) await new Promise<void>((resolve) => this.clock.after(this.takesMs, resolve));
    this.underWay -= 1;
    if (answer === 'pass') return { passed: true, message: 'fine' };
    if (answer === 'fail') throw new CheckFailure('refused', 'connection refused');
    return { passed: true, message: 'fine', ...answer };
  }
}

/** A check that the test's answers decide. */
export const scripted = (kind = 'mine', needsWay = false): Check => ({
  kind,
  identity: kind,
  needsWay,
  run: () => Promise.reject(new Error('the test reaches servers by itself')),
});

function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
