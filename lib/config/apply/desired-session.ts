/**
 * Keeps a director as a configuration wants it: the configuration that was applied last, the names that it watches in
 * DNS, and the policies that it imported.
 *
 * Invariant: one change at a time is prepared and put into force, whoever asked for it.
 */
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { Director } from '../../director/director.js';
import { merge } from '../../rules/merge.js';
import { putIntoForce } from '../../rules/put-into-force.js';
import { reconcile } from '../../rules/reconcile.js';
import { heldBy, nameOfService, type Wanted } from '../../rules/wanted.js';
import { TunvsError } from '../../values/errors.js';
import { within } from '../../values/within.js';
import type { MonitorOptions } from '../../health/options.js';
import { monitorOptionsOf } from '../health-options.js';
import type { HealthSpec } from '../spec.js';
import { type Desired, namesOf } from './desired.js';
import { closeOthers, loadAll, type Modules, NO_MODULES } from './desired-modules.js';
import { type DnsNotice, type DnsTimers, DnsWatch } from './dns.js';
import { healthChanges } from './health-changes.js';
import { HealthSession, type HealthWatcher } from './health-session.js';
import type { DnsTarget } from './lookup.js';
import { refuseMistakes } from './mistakes.js';
import { type PlannedChange, plannedChanges } from './planned-changes.js';
import { type DnsResolver, nodeResolver } from './resolver.js';
import { heldOf, sourced } from './source.js';

/** What a session tells while it runs. */
export interface SessionEvents {
  /** Is called once when DNS fails or answers nothing for a name, and once when it answers again. */
  dns?: (notice: DnsNotice) => void;
  /** Is called when DNS has answered otherwise and the director has the new servers. */
  changed?: (changes: PlannedChange[]) => void;
  /** Is called when something of the configuration is left out, or could not be brought about later. */
  warning?: (sentence: string) => void;
}

/**
 * The options of {@link SpecSession}.
 *
 * @example
 * ```ts
 * import { Director } from 'tunvs';
 * import { type SessionOptions, SpecSession } from 'tunvs/config';
 *
 * const options: SessionOptions = {
 *   dnsWaitMs: 2_000,
 *   dns: ({ sentence }) => console.error(sentence),
 *   warning: (sentence) => console.error(sentence),
 * };
 * const session = new SpecSession(Director.offline({ source: '10.2.0.2' }), options);
 * await session.close();
 * ```
 */
export interface SessionOptions extends SessionEvents {
  /** Makes the monitor that checks servers, once the configuration wants it. By default nobody checks them. */
  monitor?: (options: MonitorOptions) => HealthWatcher;
  /** Asks DNS. The default asks the name servers of /etc/resolv.conf. */
  resolver?: DnsResolver;
  /** @internal */
  timers?: DnsTimers;
  /** Sets how long applying waits for names that were not asked before; 5000 by default. */
  dnsWaitMs?: number;
}

/**
 * The options of {@link SpecSession.apply}.
 *
 * @example
 * ```ts
 * import { Director } from 'tunvs';
 * import { type ApplyOptions, SpecSession } from 'tunvs/config';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const session = new SpecSession(director);
 * director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
 * const options: ApplyOptions = { reset: true };
 * await session.apply({ spec: { source: '10.2.0.2' } }, options);
 * console.log(director.virtualServices.length); // 0
 * await session.close();
 * ```
 */
export interface ApplyOptions {
  /** Makes everything as the configuration says, and undoes what was changed by hand since it was last applied. */
  reset?: boolean;
}

/** Answers that come so soon after each other are one transaction. */
const TOGETHER_MS = 50;

export class DesiredSession {
  readonly #director: Director;
  readonly #options: SessionOptions;
  readonly #dns: DnsWatch;
  readonly #health: HealthSession;
  #desired: Desired | undefined;
  #last: Wanted | undefined;
  #modules: Modules = NO_MODULES;
  #queue: Promise<unknown> = Promise.resolve();
  readonly #changedNames = new Set<string>();
  #soon: NodeJS.Timeout | undefined;
  #told = new Set<string>();
  #isClosed = false;

  constructor(director: Director, options: SessionOptions = {}) {
    this.#director = director;
    this.#options = options;
    this.#health = new HealthSession(director, (health) => this.#monitor(health), this.#warn);
    this.#dns = new DnsWatch({
      resolver: options.resolver ?? nodeResolver(),
      changed: (name) => this.#answered(name),
      notice: (notice) => options.dns?.(notice),
      ...(options.timers && { timers: options.timers }),
    });
  }

  /** Says what apply() would change, and changes nothing. */
  plan(desired: Desired, options: ApplyOptions = {}): Promise<PlannedChange[]> {
    return this.#inTurn(async () => {
      this.#assertOpen();
      const modules = await loadAll(desired, this.#modules);
      try {
        refuseMistakes(modules.mistakes);
        const targets = await this.#peek(desired);
        this.#assertOpen();
        const { wanted } = await sourced(this.#director, desired, { targets, policies: modules.policies });
        return [...plannedChanges(this.#steps(wanted, options)), ...healthChanges(this.#desired, desired)];
      } finally {
        await closeOthers(modules, this.#modules, this.#warn);
      }
    });
  }

  /** Brings the configuration into force and returns what that changed. When it throws, everything is as it was. */
  apply(desired: Desired, options: ApplyOptions = {}): Promise<PlannedChange[]> {
    return this.#inTurn(async () => {
      this.#assertOpen();
      try {
        return await this.#apply(desired, options);
      } finally {
        this.#watchOnly(this.#desired ?? NOTHING);
      }
    });
  }

  /** Asks DNS no more, and leaves the director as it is. Policies end with it, so close the director first. */
  async close({ policies = true }: { policies?: boolean } = {}): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#soon);
    this.#dns.close();
    await this.#queue;
    if (policies) await closeOthers(this.#modules, NO_MODULES, this.#warn);
    this.#modules = NO_MODULES;
  }

  async #apply(desired: Desired, options: ApplyOptions): Promise<PlannedChange[]> {
    const modules = await loadAll(desired, this.#modules);
    const before = this.#modules;
    try {
      refuseMistakes(modules.mistakes);
      const names = [...namesOf(desired)].map(([name, refreshMs]) => this.#dns.watch(name, refreshMs));
      await this.#atMost(Promise.all(names));
      this.#assertOpen();
      const targets = (name: string) => this.#dns.targets(name);
      const { policies, checks } = modules;
      const { wanted, notices, places } = await sourced(this.#director, desired, { targets, policies });
      const steps = this.#steps(wanted, options);
      const health = { desired, checks, places };
      this.#health.place(health);
      putIntoForce(this.#director, steps);
      this.#health.apply(health, options);
      const healthSteps = healthChanges(this.#desired, desired);
      [this.#desired, this.#last, this.#modules] = [desired, wanted, { policies, checks }];
      this.#told = this.#tell(notices, new Set());
      // What was changed is in force; to say it takes long when there is much.
      if (steps.length > 100) await setImmediate();
      return [...plannedChanges(steps), ...healthSteps];
    } finally {
      // Those that are no longer in force, or never came into force.
      await closeOthers(this.#modules === before ? modules : before, this.#modules, this.#warn);
    }
  }

  /** A session that is closed has no answers of DNS, and must not take servers away for it. */
  #assertOpen(): void {
    if (this.#isClosed) throw new TunvsError('ERR_TUNVS_CLOSED', 'the session of this configuration is closed');
  }

  #monitor(health: HealthSpec): HealthWatcher | undefined {
    const { monitor } = this.#options;
    return monitor?.(monitorOptionsOf(health, (file) => readFileSync(file, 'utf8')));
  }

  readonly #warn = (sentence: string): void => this.#options.warning?.(sentence);

  #watchOnly(desired: Desired): void {
    const names = namesOf(desired);
    this.#dns.keepOnly(new Set(names.keys()));
    for (const [name, refreshMs] of names) void this.#dns.watch(name, refreshMs);
  }

  /** REQUIRES: what comes next is no later than this turn of the event loop, or somebody may change the director. */
  #steps(wanted: Wanted, { reset = false }: ApplyOptions) {
    const now = heldBy(this.#director);
    return reconcile(now, this.#last && !reset ? merge(this.#last, now, wanted) : wanted);
  }

  #answered(name: string): void {
    this.#changedNames.add(name);
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      const names = new Set(this.#changedNames);
      this.#changedNames.clear();
      this.#inTurn(() => this.#refresh(names)).catch((error: Error) => {
        // The next answer, whosever it is, tries these again.
        for (const each of names) this.#changedNames.add(each);
        if (!this.#isClosed) this.#warn(`the answer of DNS is not in force: ${error.message}`);
      });
    }, TOGETHER_MS);
    this.#soon.unref();
  }

  /** Goes through the services that have a name whose answer changed, and through no others. */
  async #refresh(names: ReadonlySet<string>): Promise<void> {
    if (this.#isClosed) return;
    const { services = [], ...others } = this.#desired ?? {};
    const affected = services.filter(({ servers }) => servers.some((each) => 'dns' in each && names.has(each.dns)));
    if (affected.length === 0 || this.#last === undefined) return;
    const desired = { ...NOTHING, ...others, services: affected };
    const targets = (name: string) => this.#dns.targets(name);
    const { policies, checks } = this.#modules;
    const { wanted, notices, places } = await sourced(this.#director, desired, { targets, policies });
    this.#health.place({ desired, checks, places });
    const last = this.#last;
    const now = heldOf(this.#director, wanted.services);
    const there = new Set(now.services.map(nameOfService));
    // A service that was deleted by hand does not come back because of DNS.
    const next = { ...last, services: wanted.services.filter((service) => there.has(nameOfService(service))) };
    const before = { ...last, services: last.services.filter((service) => there.has(nameOfService(service))) };
    const steps = reconcile(now, merge(before, now, next));
    putIntoForce(this.#director, steps);
    const renewed = new Map(wanted.services.map((service) => [nameOfService(service), service]));
    this.#last = { ...last, services: last.services.map((each) => renewed.get(nameOfService(each)) ?? each) };
    this.#told = this.#tell(notices, this.#told);
    if (steps.length > 0) this.#options.changed?.(plannedChanges(steps));
  }

  /** What was told before is not told again. */
  #tell(notices: readonly string[], told: ReadonlySet<string>): Set<string> {
    const all = new Set(notices);
    for (const notice of all) if (!told.has(notice)) this.#options.warning?.(notice);
    return all;
  }

  async #peek(desired: Desired): Promise<(name: string) => readonly DnsTarget[]> {
    const answers = new Map<string, readonly DnsTarget[]>();
    const asked = [...namesOf(desired).keys()].map(async (name) => {
      answers.set(name, await this.#dns.peek(name));
    });
    await this.#atMost(Promise.all(asked));
    return (name) => answers.get(name) ?? [];
  }

  async #atMost(wait: Promise<unknown>): Promise<void> {
    await within(this.#options.dnsWaitMs ?? 5_000, wait);
  }

  #inTurn<T>(body: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(body);
    // Whoever asked for it hears of the error; the next one begins all the same.
    this.#queue = turn.catch(() => {});
    return turn;
  }
}

const NOTHING: Desired = { services: [], marks: [], timeouts: {}, sysctls: {} };
