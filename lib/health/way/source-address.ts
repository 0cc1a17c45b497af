/** The address that checks come from: one of the director's host, to which the real servers' replies come back. */
import { familyOf, ipQuery } from '../../host/family.js';
import type { Host } from '../../host/host.js';
import { isSourceRange } from '../../values/source.js';

/** How long a choice counts, in milliseconds. */
const CHOICE_MS = 5000;

interface Choice {
  source: string | undefined;
  untilMs: number;
}

/** The first of the director's addresses (DIP) that the host has; otherwise what the kernel chooses. */
export class SourceAddresses {
  readonly #host: Pick<Host, 'addresses' | 'query'>;
  readonly #sources: readonly string[];
  readonly #nowMs: () => number;
  /** By family, and by virtual address where the kernel chooses. */
  readonly #choices = new Map<string, Choice>();

  constructor(host: Pick<Host, 'addresses' | 'query'>, sources: readonly string[], nowMs: () => number) {
    this.#host = host;
    this.#sources = sources.filter((source) => !isSourceRange(source));
    this.#nowMs = nowMs;
  }

  /** Returns undefined when the host has no address that could be a client of `virtualAddress`. */
  towards(virtualAddress: string): string | undefined {
    const family = familyOf(virtualAddress);
    const own = this.#chosen(`${family}`, () => this.#ownSource(family));
    return own ?? this.#chosen(virtualAddress, () => this.#kernelsChoice(virtualAddress));
  }

  /** Chooses anew from now on. */
  forget(): void {
    this.#choices.clear();
  }

  #chosen(key: string, choose: () => string | undefined): string | undefined {
    const now = this.#nowMs();
    let choice = this.#choices.get(key);
    if (choice === undefined || choice.untilMs <= now) {
      choice = { source: choose(), untilMs: now + CHOICE_MS };
      this.#choices.set(key, choice);
    }
    return choice.source;
  }

  #ownSource(family: 4 | 6): string | undefined {
    const own = new Set(this.#host.addresses().map(({ address }) => address));
    return this.#sources.find((source) => familyOf(source) === family && own.has(source));
  }

  #kernelsChoice(virtualAddress: string): string | undefined {
    const route = this.#host.query(ipQuery(familyOf(virtualAddress), '-o', 'route', 'get', virtualAddress)) ?? '';
    const source = / src (\S+)/.exec(route)?.[1];
    // An address that is the host's own is asked from itself, and not by the device.
    return source === virtualAddress ? undefined : source;
  }
}
