/** The options of a service's health: checked, with the defaults. */
import type { RealServer } from '../director/virtual-service.js';
import { TunvsError } from '../values/errors.js';
import { onDownKinds } from '../values/health-condition.js';
import {
  addressOption,
  booleanOption,
  checkedOptions,
  choiceOption,
  durationOption,
  functionOption,
  integerOption,
  MAX_INT32,
  refuse,
} from '../values/options.js';
import type { Check } from './checks/check.js';
import { checkedServerNotifications, checkedServiceNotifications } from './notify/checked.js';
import type { ServerNotifications, ServiceNotifications } from './notify/options.js';
import type { CheckTiming, HealthOptions, OnDown, ServerHealthOptions, TimedCheck } from './options.js';
import { ceilingOf, type DampingRule } from './rules/damping.js';
import type { FailOpenRule } from './rules/fail-open.js';
import type { ObserveRule } from './rules/observe.js';
import type { QuorumRule } from './rules/quorum.js';
import { checkedTiming, detectionMs, type Timing, timingOptions } from './timing.js';

export interface NamedCheck {
  readonly name: string;
  readonly check: Check;
  readonly timing: Timing;
  /** What of the timing was given for this check. */
  readonly own: CheckTiming;
  readonly isAgent: boolean;
}

/** Whether the check connects to the virtual address. */
export const asksVirtualAddress = ({ check, timing }: Pick<NamedCheck, 'check' | 'timing'>): boolean =>
  check.needsWay && timing.via !== 'address';

/** What holds for one server. */
export interface ServerRules {
  readonly checks: readonly NamedCheck[];
  readonly inhibit: boolean;
  readonly onDown: OnDown;
  readonly notify: ServerNotifications;
}

/** What holds for a service. */
export interface ServiceRules {
  readonly server: ServerRules;
  readonly quorum: QuorumRule;
  readonly inhibitSorry: boolean;
  readonly failOpen: FailOpenRule | undefined;
  readonly damping: DampingRule | undefined;
  readonly observe: ObserveRule | undefined;
  readonly notify: ServiceNotifications;
  readonly omega: boolean;
  readonly virtualAddress: string | undefined;
  /** Returns what holds for this server; undefined when it is not checked. */
  rulesFor(server: RealServer): ServerRules | undefined;
}

const CALL = 'watch';
const DAMPING: DampingRule = {
  penalty: 1000,
  suppressAbove: 3000,
  reuseBelow: 1000,
  halfLifeMs: 60_000,
  maxSuppressMs: 300_000,
};
const OBSERVE: ObserveRule = { periodMs: 1000, least: 3, share: 0.5, failAfter: 0 };

export function checkedHealthOptions(options: HealthOptions): ServiceRules {
  const given = checkedOptions(CALL, options, [
    ...timingOptions,
    'checks',
    'forServer',
    'inhibit',
    'onDown',
    'quorum',
    'hysteresis',
    'inhibitSorry',
    'failOpen',
    'damping',
    'observe',
    'notify',
    'omega',
    'virtualAddress',
  ]);
  const notify = checkedServiceNotifications(`${CALL}: notify`, given.notify);
  const server: ServerRules = {
    checks: checkedChecks(given.checks, given),
    inhibit: booleanOption(`${CALL}: inhibit`, given.inhibit, false),
    onDown: choiceOption(`${CALL}: onDown`, given.onDown, onDownKinds, 'reset'),
    notify: notify.server ?? {},
  };
  const forServer = given.forServer === undefined ? undefined : functionOption(`${CALL}: forServer`, given.forServer);
  const quorum = integerOption(`${CALL}: quorum`, given.quorum, 1, MAX_INT32, 1);
  return {
    server,
    quorum: { quorum, hysteresis: integerOption(`${CALL}: hysteresis`, given.hysteresis, 0, quorum - 1, 0) },
    inhibitSorry: booleanOption(`${CALL}: inhibitSorry`, given.inhibitSorry, false),
    failOpen: checkedFailOpen(given.failOpen, server.checks),
    damping: checkedDamping(given.damping),
    observe: checkedObserve(given.observe),
    notify,
    omega: booleanOption(`${CALL}: omega`, given.omega, false),
    virtualAddress:
      given.virtualAddress === undefined ? undefined : addressOption(`${CALL}: virtualAddress`, given.virtualAddress),
    rulesFor: (of) => {
      const own = forServer?.(of);
      return own === undefined ? server : own === false ? undefined : serverRules(server, own, given);
    },
  };
}

function serverRules(service: ServerRules, options: ServerHealthOptions, timing: CheckTiming): ServerRules {
  const name = `${CALL}: forServer`;
  const given = checkedOptions(name, options, [...timingOptions, 'checks', 'inhibit', 'onDown', 'notify']);
  const own = service.checks.map((named) => ({ ...named, timing: checkedTiming(name, timing, named.own, given) }));
  return {
    checks: given.checks ? checkedChecks(given.checks, timing, given) : own,
    inhibit: booleanOption(`${name}: inhibit`, given.inhibit, service.inhibit),
    onDown: choiceOption(`${name}: onDown`, given.onDown, onDownKinds, service.onDown),
    notify: given.notify ? checkedServerNotifications(`${name}: notify`, given.notify) : service.notify,
  };
}

function checkedChecks(checks: readonly (Check | TimedCheck)[], ...layers: readonly CheckTiming[]): NamedCheck[] {
  const name = `${CALL}: checks`;
  if (!Array.isArray(checks) || checks.length === 0 || checks.length > 64)
    return refuse(name, checks, 'a list of 1 to 64 checks');
  const named: NamedCheck[] = [];
  for (const [index, each] of checks.entries()) {
    const at = `${name}[${index}]`;
    const timed: TimedCheck = isCheck(each)
      ? { check: each }
      : checkedOptions(at, each as TimedCheck, [...timingOptions, 'check', 'name', 'isAgent']);
    if (!isCheck(timed.check)) return refuse(`${at}: check`, timed.check, 'a check, such as httpCheck() makes one');
    const { kind } = timed.check;
    const before = named.filter((other) => other.check.kind === kind).length;
    const called = timed.name ?? (before === 0 ? kind : `${kind}-${before + 1}`);
    if (typeof called !== 'string' || named.some((other) => other.name === called))
      return refuse(`${at}: name`, called, 'a name that no other check of the server has');
    named.push({
      name: called,
      check: timed.check,
      timing: checkedTiming(at, ...layers, timed),
      own: timed,
      isAgent: booleanOption(`${at}: isAgent`, timed.isAgent, false),
    });
  }
  return named;
}

function isCheck(value: unknown): value is Check {
  return typeof value === 'object' && value !== null && typeof (value as Check).run === 'function';
}

function checkedFailOpen(value: HealthOptions['failOpen'], checks: readonly NamedCheck[]): FailOpenRule | undefined {
  if (value === undefined) return undefined;
  const name = `${CALL}: failOpen`;
  const { above, windowMs } = checkedOptions(name, value, ['above', 'windowMs']);
  const longestMs = Math.max(...checks.map(({ timing }) => detectionMs(timing)));
  return {
    above: shareBelowAll(`${name}: above`, above),
    windowMs: durationOption(`${name}: windowMs`, windowMs, 1, Math.ceil(longestMs)),
  };
}

function checkedDamping(value: HealthOptions['damping']): DampingRule | undefined {
  if (value === undefined || value === false) return undefined;
  if (value === true) return DAMPING;
  const name = `${CALL}: damping`;
  const given = checkedOptions(name, value, ['penalty', 'suppressAbove', 'reuseBelow', 'halfLifeMs', 'maxSuppressMs']);
  const suppressAbove = integerOption(
    `${name}: suppressAbove`,
    given.suppressAbove,
    1,
    MAX_INT32,
    DAMPING.suppressAbove,
  );
  const rule = {
    penalty: integerOption(`${name}: penalty`, given.penalty, 1, MAX_INT32, DAMPING.penalty),
    suppressAbove,
    reuseBelow: integerOption(
      `${name}: reuseBelow`,
      given.reuseBelow,
      1,
      suppressAbove,
      Math.min(DAMPING.reuseBelow, suppressAbove),
    ),
    halfLifeMs: durationOption(`${name}: halfLifeMs`, given.halfLifeMs, 1, DAMPING.halfLifeMs),
    maxSuppressMs: durationOption(`${name}: maxSuppressMs`, given.maxSuppressMs, 1, DAMPING.maxSuppressMs),
  };
  const ceiling = ceilingOf(rule);
  if (ceiling > suppressAbove) return rule;
  const leastMs = Math.ceil(rule.halfLifeMs * Math.log2(suppressAbove / rule.reuseBelow));
  const why = `no penalty is ever more than ${Math.ceil(ceiling)}, and suppressAbove is ${suppressAbove}`;
  const mend = `set suppressAbove below ${Math.ceil(ceiling)}, or hold for more than ${leastMs} ms at most (maxSuppress)`;
  throw new TunvsError('ERR_TUNVS_INVALID_ARGUMENT', `${name}: ${why}, so nothing is held: ${mend}`, {
    option: 'damping',
  });
}

function checkedObserve(value: HealthOptions['observe']): ObserveRule | undefined {
  if (value === undefined || value === false) return undefined;
  if (value === true) return OBSERVE;
  const name = `${CALL}: observe`;
  const given = checkedOptions(name, value, ['periodMs', 'least', 'share', 'failAfter']);
  return {
    periodMs: durationOption(`${name}: periodMs`, given.periodMs, 100, OBSERVE.periodMs),
    least: integerOption(`${name}: least`, given.least, 1, MAX_INT32, OBSERVE.least),
    share: shareOption(`${name}: share`, given.share ?? OBSERVE.share),
    failAfter: integerOption(`${name}: failAfter`, given.failAfter, 0, 1_000_000, OBSERVE.failAfter),
  };
}

/** Takes (0, 1]. */
function shareOption(name: string, value: unknown): number {
  if (typeof value === 'number' && value > 0 && value <= 1) return value;
  return refuse(name, value, 'a number above 0, 1 at most');
}

/** Takes (0, 1): no more than all servers can fail. */
function shareBelowAll(name: string, value: unknown): number {
  if (typeof value === 'number' && value > 0 && value < 1) return value;
  return refuse(name, value, 'a number above 0 and below 1');
}
