/** What ICMP errors say, in words (RFC 792, 1122, 1812, 4443). */
import type { AddressFamily } from '../../values/inet.js';

/** Who can mend it. */
export type IcmpBlame = 'tunnel' | 'port' | 'firewall' | 'route' | 'size' | 'loop' | 'other';

export interface IcmpMeaning {
  words: string;
  blame: IcmpBlame;
}

const UNREACHABLE_4: readonly (readonly [words: string, blame: IcmpBlame])[] = [
  ['network unreachable', 'route'],
  ['host unreachable', 'route'],
  ['protocol unreachable', 'tunnel'],
  ['port unreachable', 'port'],
  ['fragmentation needed', 'size'],
  ['source route failed', 'other'],
  ['network unknown', 'route'],
  ['host unknown', 'route'],
  ['host isolated', 'route'],
  ['network prohibited', 'firewall'],
  ['host prohibited', 'firewall'],
  ['network unreachable for this type of service', 'route'],
  ['host unreachable for this type of service', 'route'],
  ['communication prohibited', 'firewall'],
  ['host precedence violation', 'other'],
  ['precedence cutoff', 'other'],
];

const UNREACHABLE_6: readonly (readonly [words: string, blame: IcmpBlame])[] = [
  ['no route', 'route'],
  ['communication prohibited', 'firewall'],
  ['beyond the scope of the source', 'route'],
  ['address unreachable', 'route'],
  ['port unreachable', 'port'],
  ['source refused by policy', 'firewall'],
  ['route rejected', 'firewall'],
];

/** `family` is that of the ICMP error itself. */
export function icmpMeaning(family: AddressFamily, type: number, code: number): IcmpMeaning {
  const known = family === 4 ? known4(type, code) : known6(type, code);
  const [words, blame] = known ?? [`ICMP type ${type}`, 'other' as const];
  return { words, blame };
}

function known4(type: number, code: number) {
  if (type === 3) return UNREACHABLE_4[code];
  if (type === 11) return ['time to live exceeded', 'loop'] as const;
  if (type === 12) return ['parameter problem', 'other'] as const;
  return undefined;
}

function known6(type: number, code: number) {
  if (type === 1) return UNREACHABLE_6[code];
  if (type === 2) return ['packet too big', 'size'] as const;
  if (type === 3) return ['hop limit exceeded', 'loop'] as const;
  // A header that nobody knows is that of the tunnel.
  if (type === 4)
    return code === 1 ? (['protocol unknown', 'tunnel'] as const) : (['parameter problem', 'other'] as const);
  return undefined;
}
