/** What the director's host does to the packets of checks: it is asked only when a check by the virtual address fails. */
import { readFileSync } from 'node:fs';
import { CHECK_PORTS } from '../../host/check-routes.js';
import { asPrefix, familyOf, ipQuery } from '../../host/family.js';
import type { Host, HostAddress } from '../../host/host.js';
import { isStrict, strictInterfaces } from '../../host/own-clients.js';
import { TunvsError } from '../../values/errors.js';

/** How long an answer counts, in milliseconds: many servers may fail at once. */
const ANSWER_MS = 1000;

/** A fault of the director's host, and what mends it. */
export interface HostFault {
  message: string;
  mend: string;
}

export interface HostFactsBacking {
  readonly host: Pick<Host, 'addresses' | 'query' | 'readSysctl'>;
  /** The director's devices, as they are called now. */
  devices(): readonly string[];
  /** Returns the text of /proc/net/netstat, undefined when it cannot be read. */
  readNetstat(): string | undefined;
  nowMs(): number;
}

export class HostFacts {
  readonly #backing: HostFactsBacking;
  readonly #answers = new Map<string, { untilMs: number; fault: HostFault | undefined }>();
  #dropped: number | undefined;

  constructor(backing: HostFactsBacking) {
    this.#backing = backing;
    this.#dropped = this.#filterDrops();
  }

  /** Says why packets from `source` to the virtual address do not get to the director. */
  misrouted(virtualAddress: string, source: string): HostFault | undefined {
    return this.#answered(`${virtualAddress} ${source}`, () => this.#misrouted(virtualAddress, source));
  }

  /**
   * Says that replies to `source` may be dropped by rp_filter: it is strict, and has dropped packets since this was
   * asked last. It is certain where it is strict on the interface that has the source; elsewhere those packets may have
   * been anybody's.
   */
  repliesDropped(source: string): (HostFault & { isCertain: boolean }) | undefined {
    if (familyOf(source) === 6) return undefined;
    const fault = this.#answered('rp_filter', () => this.#repliesDropped());
    if (fault === undefined) return undefined;
    const { host } = this.#backing;
    const isOf = ({ address }: HostAddress) => address === source;
    const isCertain = orNothing(() => host.addresses().some((own) => isOf(own) && isStrict(host, own.interfaceName)));
    return { ...fault, isCertain: isCertain ?? false };
  }

  /** Returns a sentence for each interface with one of `sources` on which strict rp_filter drops replies. */
  strictAt(sources: readonly string[]): string[] {
    return orNothing(() => this.#strictAt(sources)) ?? [];
  }

  #strictAt(sources: readonly string[]): string[] {
    const { host, devices } = this.#backing;
    const own = new Set(devices());
    const holders = host.addresses().filter(({ address }) => sources.includes(address) && familyOf(address) === 4);
    const names = new Set(holders.map(({ interfaceName }) => interfaceName).filter((name) => !own.has(name)));
    return [...names]
      .filter((name) => name !== 'lo' && isStrict(host, name))
      .map(
        (name) =>
          `rp_filter is strict on ${name}, so replies to checks by a virtual address are dropped there: ` +
          `write 2 to /proc/sys/net/ipv4/conf/${name}/rp_filter`,
      );
  }

  #answered(key: string, ask: () => HostFault | undefined): HostFault | undefined {
    const now = this.#backing.nowMs();
    const known = this.#answers.get(key);
    if (known !== undefined && known.untilMs > now) return known.fault;
    for (const [old, { untilMs }] of this.#answers) if (untilMs <= now) this.#answers.delete(old);
    const fault = orWhyNot(ask);
    this.#answers.set(key, { untilMs: now + ANSWER_MS, fault });
    return fault;
  }

  #misrouted(virtualAddress: string, source: string): HostFault | undefined {
    const { host, devices } = this.#backing;
    const family = familyOf(virtualAddress);
    // An address that is held back has a way for checks alone: see lib/host/check-routes.ts.
    const asACheck = ['ipproto', 'tcp', 'sport', `${CHECK_PORTS.first}`];
    const route = host
      .query(ipQuery(family, '-o', 'route', 'get', virtualAddress, 'from', source, ...asACheck))
      ?.trim();
    const ip = family === 4 ? 'ip' : 'ip -6';
    if (route === undefined) {
      const mend = `Ask "${ip} route get ${virtualAddress} from ${source}" on the director's host why.`;
      return { message: `this host has no route to ${virtualAddress}`, mend };
    }
    if (route.startsWith('local ')) {
      const named = / dev (\S+)/.exec(route)?.[1];
      const on = named === undefined || named === 'lo' ? undefined : named;
      const holder = host.addresses().find(({ address }) => address === virtualAddress)?.interfaceName ?? on ?? 'lo';
      return {
        message: `${virtualAddress} is an address of the director's host, so the host answers in the servers' place`,
        mend: `Remove it with "${ip} address del ${asPrefix(virtualAddress)} dev ${holder}".`,
      };
    }
    const device = / dev (\S+)/.exec(route)?.[1];
    if (device !== undefined && devices().includes(device)) return undefined;
    return {
      message: `this host sends packets for ${virtualAddress} to ${device ?? 'nowhere'}, and not to the director`,
      mend: `Ask "${ip} rule" and "${ip} route get ${virtualAddress} from ${source}" what goes before the director's route.`,
    };
  }

  #repliesDropped(): HostFault | undefined {
    const before = this.#dropped;
    this.#dropped = this.#filterDrops();
    if (before === undefined || this.#dropped === undefined || this.#dropped <= before) return undefined;
    const strict = strictInterfaces(this.#backing.host, this.#backing.devices());
    if (strict.length === 0) return undefined;
    return {
      message: `rp_filter is strict on ${strict.join(', ')} of the director's host, and has dropped packets`,
      mend: `Write 2 to ${strict.map((name) => `/proc/sys/net/ipv4/conf/${name}/rp_filter`).join(' and ')} there.`,
    };
  }

  #filterDrops(): number | undefined {
    return netstatValue(this.#backing.readNetstat() ?? '', 'IPReversePathFilter');
  }
}

/** A question that could not be asked is a fault of the director's host, too. */
function orWhyNot(ask: () => HostFault | undefined): HostFault | undefined {
  try {
    return ask();
  } catch (error) {
    if (!(error instanceof TunvsError)) throw error;
    return { message: error.message, mend: 'Mend that first: until then nothing is known of the server.' };
  }
}

/** Checks meet the same lack, and say it: what could not be asked is not said a second time. */
function orNothing<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (!(error instanceof TunvsError)) throw error;
    return undefined;
  }
}

/** The file has pairs of lines: names, then values. Returns undefined when the name is in none. */
export function netstatValue(text: string, name: string): number | undefined {
  const lines = text.split('\n');
  for (let index = 0; index + 1 < lines.length; index += 2) {
    const place = (lines[index] ?? '').split(' ').indexOf(name);
    if (place > 0) return Number((lines[index + 1] ?? '').split(' ')[place]);
  }
  return undefined;
}

export function readNetstat(): string | undefined {
  try {
    return readFileSync('/proc/net/netstat', 'utf8');
  } catch {
    // Nothing is known of rp_filter then, and nothing is said of it.
    return undefined;
  }
}
