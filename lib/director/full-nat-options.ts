/** The addresses and ports that full NAT gives to packets, as callers write them. */
import { checkedOptions, integerOption, refuse } from '../values/options.js';
import { isWithin, splitPrefix } from '../values/prefix.js';
import { parseSource, sourceFamily } from '../values/source.js';

/**
 * Describes full NAT (`snat`): packets to such real servers leave with an address and a port of the director's as their
 * source.
 *
 * @example
 * ```ts
 * import { Director } from 'tunvs';
 *
 * const director = Director.offline({ source: '10.2.0.2', fullNat: { sources: '10.2.1.0/28', firstPort: 10_000 } });
 * const service = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 443 });
 * service.addRealServer({ address: '10.8.0.31', port: 8443, forwarding: 'snat', clientAddress: 'proxy' });
 * ```
 */
export interface FullNatOptions {
  /**
   * Names the addresses, and ranges of them, at most 256 addresses for each address family; the first address of an
   * IPv6 range is not used. They are routed to the director as virtual addresses are, and nobody else has them: they are
   * none of the host's, nor its `source`. Each address allows as many connections to each real server as there are ports.
   */
  sources: string | readonly string[];
  /** Sets the first port that is used, [1, 65535]. The default is 1024. */
  firstPort?: number;
  /** Sets the last port, [firstPort, 65535]. The default is 65535. */
  lastPort?: number;
}

export interface CheckedFullNat {
  natSources: string[];
  natFirstPort: number;
  natLastPort: number;
}

const FIRST_PORT = 1024;
const LAST_PORT = 65535;
/** Of each family. The native part has the same limit. */
const MOST_SOURCES = 256;

/** `own` are the sources of tunnel packets: what answers those is the host's. */
export function checkedFullNat(
  name: string,
  given: FullNatOptions | undefined,
  own: readonly string[],
): CheckedFullNat {
  if (given === undefined) return { natSources: [], natFirstPort: FIRST_PORT, natLastPort: LAST_PORT };
  const options = checkedOptions(name, given, ['sources', 'firstPort', 'lastPort']);
  const natFirstPort = integerOption(`${name}.firstPort`, options.firstPort, 1, LAST_PORT, FIRST_PORT);
  const natLastPort = integerOption(`${name}.lastPort`, options.lastPort, natFirstPort, LAST_PORT, LAST_PORT);
  const texts: unknown[] = Array.isArray(options.sources) ? Array.from(options.sources) : [options.sources];
  if (texts.length === 0) refuse(`${name}.sources`, options.sources, 'at least one address');
  const natSources = texts.map((text) => {
    const parsed = typeof text === 'string' ? parseSource(text) : { mistake: 'is not a string' };
    if (typeof parsed === 'string') return parsed;
    const form = "unicast addresses or ranges of them, as '10.2.0.7' or '10.2.1.0/28'";
    return refuse(`${name}.sources`, text, form, `it ${parsed.mistake}`);
  });
  for (const source of natSources) {
    const shared = own.find((each) => isWithin(source, each) || isWithin(each, source));
    const form = `other addresses than ${shared}, the director's source: the host would take the replies of servers`;
    if (shared !== undefined) refuse(`${name}.sources`, source, form);
  }
  const sources = [...new Set(natSources)];
  for (const family of [4, 6] as const) {
    const many = sources
      .filter((source) => sourceFamily(source) === family)
      .reduce((sum, each) => sum + sizeOf(each), 0);
    if (many > MOST_SOURCES)
      refuse(
        `${name}.sources`,
        options.sources,
        `at most ${MOST_SOURCES} addresses of each family`,
        'shorten the ranges',
      );
  }
  return { natSources: sources, natFirstPort, natLastPort };
}

function sizeOf(source: string): number {
  const bits = sourceFamily(source) === 6 ? 128 : 32;
  return 2 ** (bits - (splitPrefix(source).length ?? bits));
}

/** What full NAT has, as it would be given; undefined where there is none. */
export function fullNatOf({ natSources, natFirstPort, natLastPort }: CheckedFullNat): FullNatOptions | undefined {
  if (natSources.length === 0) return undefined;
  return { sources: natSources, firstPort: natFirstPort, lastPort: natLastPort };
}
