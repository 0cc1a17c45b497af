/** The host's rules for choosing a routing table, as `ip -j rule show` prints them. */
import type { AddressFamily } from '../values/inet.js';
import { askJson } from './ask.js';
import { asPrefix, ipJson } from './family.js';
import type { Host } from './host.js';

/** A line of `ip -j rule show`; other keys are selectors and actions. */
export interface IpRule {
  priority: number;
  src?: string;
  /** Absent for one address. */
  srclen?: number;
  dst?: string;
  /** Absent for one address. */
  dstlen?: number;
  iif?: string;
  /** Present when the device is not there. */
  iif_detached?: null;
  /** Present when the rule applies to what its selectors do not match. */
  not?: null;
  /** The IP protocol's name, or `ipproto-NUMBER`. */
  ipproto?: string;
  sport?: number;
  /** In place of `sport` for a range. */
  sport_start?: number;
  sport_end?: number;
  dport?: number;
  dport_start?: number;
  dport_end?: number;
  /** Hexadecimal, as is the mask. */
  fwmark?: string;
  /** Absent when all bits count. */
  fwmask?: string;
  table?: string;
  /** The priority of the rule that follows, in place of a table. */
  goto?: number;
  /** Present when the rule does nothing. */
  nop?: null;
  /** `blackhole`, `unreachable` or `prohibit`, in place of a table. */
  action?: string;
  /** Present when the table is that of the device's VRF. */
  l3mdev?: null;
  oif?: string;
  tos?: string;
  uid_start?: number;
  uid_end?: number;
  tun_id?: string;
  /** Routes of this length or a shorter one are passed over. */
  suppress_prefixlen?: number;
  /** Absent for the kernel. */
  protocol?: string;
}

/** @throws {@link TunvsError} ERR_TUNVS_HOST when the rules cannot be read: they are never guessed. */
export function readRules(host: Host, family: AddressFamily): IpRule[] {
  return askJson<IpRule>(host, ipJson(family, 'rule', 'show'));
}

export function destination({ dst, dstlen }: IpRule): string | undefined {
  return dst === undefined || dstlen === undefined ? dst && asPrefix(dst) : `${dst}/${dstlen}`;
}

/** Writes the selector as `ip rule` takes it. */
export function selector(rule: IpRule): string[] {
  const { priority, fwmark, fwmask, iif, table, protocol } = rule;
  const mark = fwmark !== undefined && fwmask !== undefined ? `${fwmark}/${fwmask}` : fwmark;
  const given = { pref: `${priority}`, fwmark: mark, iif, to: destination(rule), lookup: table, protocol };
  return Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [key, value]));
}

/** Writes the mark as ip(8) prints it. */
export function formatMark(mark: number): string {
  return `0x${mark.toString(16)}`;
}
