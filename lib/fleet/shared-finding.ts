/** What a prober writes down for its fleet, and what the others read of it. */
import type { Check, Finding } from '../health/checks/check.js';
import type { RealServer } from '../director/virtual-service.js';
import type { Reach } from '../health/probe.js';
import { serverName } from '../values/server-options.js';
import { serviceName } from '../values/service-key.js';
import { fingerprint } from './fingerprint.js';

/** A finding, and a number that counts how often it has changed between passing and failing. */
export interface SharedFinding {
  finding: Finding;
  turns: number;
}

/** By the key of the check. */
export type SharedFindings = Map<string, SharedFinding>;

export interface Group {
  /** Who checks. */
  by: string;
  found: SharedFindings;
}

/** The service of the servers that one prober checks. */
export const groupOf = ({ service }: RealServer): string => fingerprint(serviceName(service));

/**
 * Names what is asked, the same at every director; undefined for what each has to ask itself: functions, and programs and
 * files of its host.
 */
export function sharedKey(check: Check, server: RealServer, how: Parameters<Reach>[2]): string | undefined {
  if (!check.needsWay || check.identity === undefined) return undefined;
  const { via, virtualAddress } = how;
  return fingerprint([serverName(server), server.askedForwarding, via, virtualAddress ?? null, check.identity]);
}

/** A message changes nothing of a server that passes. */
export function isSameFinding(a: Finding, b: Finding): boolean {
  const of = ({ passed, reason, message, mend, warning, advice }: Finding) =>
    JSON.stringify([passed, reason, passed || message, mend, warning, advice]);
  return of(a) === of(b);
}

export function groupText(by: string, service: string, found: SharedFindings): string {
  const checks = [...found].map(([key, { finding, turns }]) => [key, { ...finding, turns }]);
  return JSON.stringify({ by, service, checks: Object.fromEntries(checks) });
}

/** Returns undefined when the value is none. */
export function parseGroup(text: string): Group | undefined {
  try {
    const { by, checks } = JSON.parse(text) as { by: unknown; checks: unknown };
    if (typeof by !== 'string' || typeof checks !== 'object' || checks === null) return undefined;
    const found = Object.entries(checks).flatMap(([key, value]): [string, SharedFinding][] => {
      const read = findingOf(value);
      return read === undefined ? [] : [[key, read]];
    });
    return { by: by.slice(0, 255), found: new Map(found) };
  } catch {
    // It is not JSON.
    return undefined;
  }
}

const LONGEST = 1000;

function findingOf(value: unknown): SharedFinding | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { passed, reason, message, mend, warning, advice, turns } = value as Record<string, unknown>;
  if (typeof passed !== 'boolean' || typeof message !== 'string' || !Number.isSafeInteger(turns)) return undefined;
  return {
    turns: turns as number,
    finding: {
      passed,
      message: message.slice(0, LONGEST),
      ...(typeof reason === 'string' && { reason: reason as NonNullable<Finding['reason']> }),
      ...(typeof mend === 'string' && { mend: mend.slice(0, LONGEST) }),
      ...(typeof warning === 'string' && { warning: warning.slice(0, LONGEST) }),
      ...(isAdvice(advice) && { advice }),
    },
  };
}

function isAdvice(value: unknown): value is NonNullable<Finding['advice']> {
  if (typeof value !== 'object' || value === null) return false;
  const [[name, number] = ['', undefined], ...others] = Object.entries(value);
  if (others.length > 0 || typeof number !== 'number' || !Number.isFinite(number)) return false;
  if (name === 'weight') return Number.isInteger(number) && number >= 0 && number < 2 ** 31;
  return (name === 'factor' && number >= 0) || (name === 'add' && Number.isInteger(number));
}
