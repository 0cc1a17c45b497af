/**
 * Asks DNS for the servers of one name. A question that fails is answered by what it was answered last, so that a broken
 * part of a name takes nothing away.
 */
import { canonicalAddress, compareAddresses } from '../../values/inet.js';
import type { DnsResolver } from './resolver.js';
import { chosenRecords, isServiceName } from './srv.js';

export interface DnsTarget {
  address: string;
  /** Of an SRV record. */
  port?: number;
  /** Of an SRV record, [0, 65535]. */
  weight?: number;
}

export interface DnsAnswer {
  /** In the order of addresses and ports, whatever order they came in; each once. */
  targets: DnsTarget[];
  /** The shortest of all; undefined when no record had one. */
  ttlSeconds: number | undefined;
  /** Whether that holds for all records; Node does not tell the TTL of SRV records. */
  isTtlKnown: boolean;
  /** What went wrong, as the end of a sentence; undefined when every question was answered. */
  failure: string | undefined;
}

type Run = <T>(call: () => Promise<T>) => Promise<T>;

const EMPTY: readonly unknown[] = ['ENODATA', 'ENOTFOUND'];

export class Lookup {
  readonly #name: string;
  readonly #resolver: DnsResolver;
  readonly #run: Run;
  readonly #last = new Map<string, readonly unknown[]>();
  /** What was asked this time; other names that SRV records had are forgotten. */
  readonly #asked = new Set<string>();

  /** `run` bounds how many questions are open at a time. */
  constructor(name: string, resolver: DnsResolver, run: Run) {
    this.#name = name;
    this.#resolver = resolver;
    this.#run = run;
  }

  async ask(): Promise<DnsAnswer> {
    const failures: string[] = [];
    const ttls: number[] = [];
    this.#asked.clear();
    const records = isServiceName(this.#name)
      ? chosenRecords(await this.#ask(`SRV ${this.#name}`, () => this.#resolver.srv(this.#name), failures))
      : [{ name: this.#name }];
    const found = await Promise.all(
      records.map(async ({ name, ...of }) => {
        const addresses = await this.#addresses(name, failures);
        ttls.push(...addresses.map(({ ttl }) => ttl));
        return addresses.flatMap(({ address }) => targetAt(address, of));
      }),
    );
    for (const question of this.#last.keys()) if (!this.#asked.has(question)) this.#last.delete(question);
    return {
      targets: distinct(found.flat()),
      ttlSeconds: ttls.length > 0 ? Math.min(...ttls) : undefined,
      isTtlKnown: ttls.length > 0 && !isServiceName(this.#name),
      failure: failures[0],
    };
  }

  async #addresses(name: string, failures: string[]) {
    const both = await Promise.all([
      this.#ask(`A ${name}`, () => this.#resolver.a(name), failures),
      this.#ask(`AAAA ${name}`, () => this.#resolver.aaaa(name), failures),
    ]);
    return both.flat();
  }

  async #ask<T>(question: string, call: () => Promise<T[]>, failures: string[]): Promise<readonly T[]> {
    this.#asked.add(question);
    try {
      const answer = await this.#run(call);
      this.#last.set(question, answer);
      return answer;
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (EMPTY.includes(code)) {
        this.#last.delete(question);
        return [];
      }
      failures.push(`${question}: ${typeof code === 'string' ? code : (error as Error).message}`);
      return (this.#last.get(question) ?? []) as readonly T[];
    }
  }
}

function targetAt(address: string, of: Omit<DnsTarget, 'address'>): DnsTarget[] {
  const canonical = canonicalAddress(address);
  return canonical === undefined ? [] : [{ address: canonical, ...of }];
}

/** Several records of one server share its weight, so that it gets the sum. */
function distinct(targets: readonly DnsTarget[]): DnsTarget[] {
  const byName = new Map<string, DnsTarget>();
  for (const target of targets) {
    const name = `${target.address} ${target.port ?? ''}`;
    const before = byName.get(name);
    const weight = (before?.weight ?? 0) + (target.weight ?? 0);
    byName.set(name, { ...target, ...(target.weight !== undefined && { weight }) });
  }
  return [...byName.values()].sort(
    (left, right) => compareAddresses(left.address, right.address) || (left.port ?? 0) - (right.port ?? 0),
  );
}
