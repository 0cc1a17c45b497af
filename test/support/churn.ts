/** Changes a director's servers without end, as operators and health checks do, while packets go through it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FloodedLab } from './flooded-lab.js';
import { PORT, SERVERS, VIRTUAL_ADDRESS } from './flooded-lab.js';

const SERVICES = ['-t', '-u'].map((protocol) => `${protocol} ${VIRTUAL_ADDRESS}:${PORT}`);
const TUNNELS = ['', '', '--tun-type gre', '--tun-type gue --tun-port 6080'];
const SCHEDULERS = ['rr', 'wrr', 'wlc', 'sh', 'mh'];
/** So many servers stay at least. */
const FEWEST = 9;

const server = (command: '-a' | '-e', service: string, address: string, weight: number) =>
  `${command} ${service} -r ${address}:${PORT} -i -w ${weight} ${TUNNELS[SERVERS.indexOf(address) % TUNNELS.length]}`.trim();

/** Returns rules for these servers, by their weights. */
export function rulesOf(weights: ReadonlyMap<string, number>, scheduler = 'wrr'): string[] {
  return SERVICES.flatMap((service) => [
    `-A ${service} -s ${scheduler}`,
    ...[...weights].map(([address, weight]) => server('-a', service, address, weight)),
  ]);
}

export const CHANGES = ['remove', 'add', 'weigh', 'drain', 'reload', 'silence'] as const;
type Change = (typeof CHANGES)[number];

export class Churn {
  /** How often each change was made. */
  readonly made: Partial<Record<Change, number>> = {};
  readonly #lab: FloodedLab;
  readonly #weights: Map<string, number>;
  #random: number;

  /** `weights` is what the director begins with; `seed` is not 0. */
  constructor(lab: FloodedLab, weights: ReadonlyMap<string, number>, seed: number) {
    this.#lab = lab;
    this.#weights = new Map(weights);
    this.#random = seed;
  }

  /** Makes changes until `ends` resolves, then brings every server back. */
  async during<Result>(ends: Promise<Result>): Promise<Result> {
    let isOver = false;
    const over = ends.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await Promise.race([over, sleep(60 + this.#below(140))]);
      if (!isOver) await this.#change();
    }
    for (const address of SERVERS) if (!this.#weights.has(address)) await this.#add(address);
    return over;
  }

  async #change(): Promise<void> {
    const there = [...this.#weights.keys()];
    const gone = SERVERS.filter((address) => !this.#weights.has(address));
    const one = there[this.#below(there.length)] as string;
    const back = gone[this.#below(gone.length)];
    const kinds = CHANGES.filter(
      (kind) => (kind !== 'remove' || there.length > FEWEST) && (kind !== 'add' || back !== undefined),
    );
    const changes: Record<Change, () => Promise<unknown>> = {
      remove: () => this.#remove(one),
      add: () => this.#add(back as string),
      weigh: () => this.#weigh(one, this.#below(5)),
      drain: () => this.#lab.director.call('drain', { server: one, deadlineMs: this.#below(40) }),
      reload: () => this.#reload(),
      silence: () => this.#run([`sysctl net.ipv4.vs.expire_nodest_conn=${this.#below(2)}`]),
    };
    const name = kinds[this.#below(kinds.length)] as Change;
    await changes[name]();
    this.made[name] = (this.made[name] ?? 0) + 1;
  }

  #remove(address: string): Promise<void> {
    this.#weights.delete(address);
    return this.#run(SERVICES.map((service) => `-d ${service} -r ${address}:${PORT}`));
  }

  #add(address: string): Promise<void> {
    const weight = 1 + this.#below(4);
    this.#weights.set(address, weight);
    return this.#run(SERVICES.map((service) => server('-a', service, address, weight)));
  }

  #weigh(address: string, weight: number): Promise<void> {
    this.#weights.set(address, weight);
    return this.#run(SERVICES.map((service) => server('-e', service, address, weight)));
  }

  async #reload(): Promise<void> {
    const kept = SERVERS.filter((_, index) => index < FEWEST || this.#below(2) === 0);
    this.#weights.clear();
    for (const address of kept) this.#weights.set(address, 1 + this.#below(4));
    const rules = rulesOf(this.#weights, SCHEDULERS[this.#below(SCHEDULERS.length)]);
    await this.#lab.director.call('reload', { rules });
  }

  #run(rules: readonly string[]): Promise<void> {
    return this.#lab.director.call('run', { rules });
  }

  /** xorshift32 */
  #below(limit: number): number {
    this.#random ^= this.#random << 13;
    this.#random ^= this.#random >>> 17;
    this.#random ^= this.#random << 5;
    return (this.#random >>> 0) % Math.max(limit, 1);
  }
}
