/** The host's rules for choosing a routing table, as `ip -j rule show` says them. */
import type { AddressFamily } from '../inet.js';
import { asPrefix, ipQuery } from './family.js';
import type { Host } from './host.js';

/** A line of `ip -j rule show`; other keys are selectors and actions. */
export interface IpRule {
  priority: number;
  src?: string;
  dst?: string;
  /** Left out: one address. */
  dstlen?: number;
  iif?: string;
  /** There: the device is not. */
  iif_detached?: null;
  /** There: it is for what its selectors do not fit. */
  not?: null;
  /** Hexadecimal, as is the mask. */
  fwmark?: string;
  /** Left out: all bits count. */
  fwmask?: string;
  table?: string;
  /** Left out: the kernel. */
  protocol?: string;
}

/** What every host begins with. */
const DEFAULT_RULES: IpRule[] = [{ priority: 0, src: 'all', table: 'local' }];

export function readRules(host: Host, family: AddressFamily): IpRule[] {
  const [ip = 'ip', ...rest] = ipQuery(family, 'rule', 'show');
  const said = host.query([ip, '-j', ...rest]);
  try {
    return said === undefined ? DEFAULT_RULES : (JSON.parse(said) as IpRule[]);
  } catch {
    return DEFAULT_RULES;
  }
}

export function destination({ dst, dstlen }: IpRule): string | undefined {
  return dst === undefined || dstlen === undefined ? dst && asPrefix(dst) : `${dst}/${dstlen}`;
}

/** As `ip rule` takes it. */
export function selector(rule: IpRule): string[] {
  const { priority, fwmark, fwmask, iif, table, protocol } = rule;
  const mark = fwmark !== undefined && fwmask !== undefined ? `${fwmark}/${fwmask}` : fwmark;
  const given = { pref: `${priority}`, fwmark: mark, iif, to: destination(rule), lookup: table, protocol };
  return Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [key, value]));
}

/** As ip(8) prints it. */
export function formatMark(mark: number): string {
  return `0x${mark.toString(16)}`;
}
