/** DNS and its clock in the hands of a test. */
import type { DnsTimers } from '../../lib/config/apply/dns.js';
import type { DnsResolver, ServiceRecord, TimedAddress } from '../../lib/config/apply/resolver.js';

/** Answers from these tables; a name that is not there has no records, and a code in its place is thrown. */
export class FakeResolver implements DnsResolver {
  readonly addresses = new Map<string, TimedAddress[] | string>();
  readonly services = new Map<string, ServiceRecord[] | string>();
  readonly asked: string[] = [];
  open = 0;
  mostOpen = 0;

  a(name: string): Promise<TimedAddress[]> {
    return this.#answer(`A ${name}`, this.addresses.get(name), ({ address }) => !address.includes(':'));
  }

  aaaa(name: string): Promise<TimedAddress[]> {
    return this.#answer(`AAAA ${name}`, this.addresses.get(name), ({ address }) => address.includes(':'));
  }

  srv(name: string): Promise<ServiceRecord[]> {
    return this.#answer(`SRV ${name}`, this.services.get(name), () => true);
  }

  cancel(): void {}

  set(name: string, ...addresses: string[]): void {
    this.addresses.set(
      name,
      addresses.map((address) => ({ address, ttl: 5 })),
    );
  }

  async #answer<T>(question: string, found: T[] | string | undefined, fits: (each: T) => boolean): Promise<T[]> {
    this.asked.push(question);
    this.open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    await new Promise(setImmediate);
    this.open -= 1;
    if (typeof found === 'string') throw Object.assign(new Error(found), { code: found });
    const fitting = (found ?? []).filter(fits);
    if (fitting.length === 0) throw Object.assign(new Error('ENODATA'), { code: 'ENODATA' });
    return fitting;
  }
}

/** A clock that stands still until a test moves it. */
export class FakeTimers implements DnsTimers {
  readonly pending: { milliseconds: number; run: () => void }[] = [];

  after(milliseconds: number, run: () => void): () => void {
    const timer = { milliseconds, run };
    this.pending.push(timer);
    return () => this.#remove(timer);
  }

  random(): number {
    return 0;
  }

  /** Runs what is pending, and lets its questions be answered. */
  async fire(): Promise<void> {
    for (const timer of [...this.pending]) {
      this.#remove(timer);
      timer.run();
    }
    await settled();
  }

  #remove(timer: FakeTimers['pending'][number]): void {
    const at = this.pending.indexOf(timer);
    if (at >= 0) this.pending.splice(at, 1);
  }
}

/** Resolves when questions to a FakeResolver are answered. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
}
