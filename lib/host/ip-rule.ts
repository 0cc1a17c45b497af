/** The host's rules for choosing a routing table, as `ip -j rule show` says them. */
import type { AddressFamily } from '../values/inet.js';
import { askJson } from './ask.js';
import { asPrefix, ipJson } from './family.js';
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

/** @throws {@link TunvsError} ERR_TUNVS_HOST when the rules cannot be read: they are never guessed. */
export function readRules(host: Host, family: AddressFamily): IpRule[] {
  return askJson<IpRule>(host, ipJson(family, 'rule', 'show'));
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
