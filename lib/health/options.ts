/** How a service's servers are checked, and what follows from that. The configuration has the same fields, with units. */
import type { RealServer } from '../director/virtual-service.js';
import type { OnDown } from '../values/health-condition.js';
import type { Check } from './checks/check.js';
import type { Notifications, ServerNotifications, ServiceNotifications } from './notify/options.js';

export type { OnDown };

/** When and how often a server is asked, and when that counts. */
export interface CheckTiming {
  /** The milliseconds from the beginning of a check to that of the next. The default is 2000. */
  intervalMs?: number;
  /** The same while the server is down; the interval by default. */
  downIntervalMs?: number;
  /** The milliseconds that a check may take. The default is 1000, or the interval if that is less. */
  timeoutMs?: number;
  /** How many more attempts a server that is up has before one failure counts, [0, 100]. The default is 1. */
  retries?: number;
  /** The milliseconds between such attempts. The default is 500. */
  retryDelayMs?: number;
  /** How many checks in a row have to pass before a server that is down is up, [1, 1000]. The default is 2. */
  rise?: number;
  /**
   * How many checks in a row have to fail, with their retries, before a server that is up is down, [1, 1000]. The
   * default is 1.
   */
  fall?: number;
  /** The part of the interval by which it is varied, [0, 1]. The default is 0.1. */
  jitter?: number;
  /** The milliseconds over which the first checks are spread; the interval by default. */
  warmUpMs?: number;
  /** How a server counts before its first check. The default is 'up'. The first check decides at once, either way. */
  start?: 'up' | 'down';
  /** Whether checks go to the virtual address by the pinned flow, to the server's own, or to both. */
  via?: 'vip' | 'address' | 'both';
}

/** A check with a timing of its own; what is left out is the service's. */
export interface TimedCheck extends CheckTiming {
  /** The check. */
  check: Check;
  /** What views and events call it. The default is its kind, with a number when there are several. */
  name?: string;
  /**
   * Whether silence says nothing about the server, as that of an agent. A failure by 'timeout', 'refused',
   * 'unreachable' or 'closed' then leaves the server as it is; any other takes it down. The default is false.
   */
  isAgent?: boolean;
}

/**
 * How flapping servers are held down, as RFC 2439 describes it for routes.
 *
 * @example
 * ```ts
 * import { type DampingOptions, type HealthOptions, tcpCheck } from 'tunvs/health';
 *
 * // A server that goes down for the third time within a minute is held for two minutes at most.
 * const damping: DampingOptions = { suppressAbove: 2000, maxSuppressMs: 120_000 };
 * const options: HealthOptions = { checks: [tcpCheck()], damping };
 * console.log(options.checks.length); // 1
 * ```
 */
export interface DampingOptions {
  /** What each going down adds to the penalty. The default is 1000. */
  penalty?: number;
  /** The penalty above which a server is held down although it passes. The default is 3000. */
  suppressAbove?: number;
  /** The penalty below which it may be up again. The default is 1000. */
  reuseBelow?: number;
  /** The milliseconds in which the penalty halves. The default is 60000. */
  halfLifeMs?: number;
  /**
   * The longest time, in milliseconds, that a server is held down. The default is 300000. It bounds the penalty to
   * `reuseBelow * 2 ** (maxSuppressMs / halfLifeMs)`, which has to be more than `suppressAbove`.
   */
  maxSuppressMs?: number;
}

/**
 * What the traffic itself tells. Trouble is connections without progress, resets by clients, and ICMP errors of the
 * tunnel. Trouble in one period brings the next check forward; a server fails by traffic alone when `failAfter` periods
 * in a row had enough of it, and then each of its checks has to pass `rise` times to bring it back.
 *
 * @example
 * ```ts
 * import { type HealthOptions, type ObserveOptions, tcpCheck } from 'tunvs/health';
 *
 * const observe: ObserveOptions = { periodMs: 500, least: 10, failAfter: 3 };
 * const options: HealthOptions = { checks: [tcpCheck()], observe };
 * console.log(options.checks.length); // 1
 * ```
 */
export interface ObserveOptions {
  /** The milliseconds of a period. The default is 1000. */
  periodMs?: number;
  /** The least number of troubles in a period that counts. The default is 3. */
  least?: number;
  /** The least part that the troubles are of the period's new connections, (0, 1]. The default is 0.5. */
  share?: number;
  /** How many such periods in a row fail the server; 0 stands for never. The default is 0. */
  failAfter?: number;
}

/**
 * When a pool is kept although its servers fail. A pool of one server is never empty with it.
 *
 * @example
 * ```ts
 * import { type FailOpenOptions, type HealthOptions, tcpCheck } from 'tunvs/health';
 *
 * const failOpen: FailOpenOptions = { above: 0.5 };
 * const options: HealthOptions = { checks: [tcpCheck()], failOpen };
 * console.log(options.checks.length); // 1
 * ```
 */
export interface FailOpenOptions {
  /**
   * The share of the servers above which failures at once are taken for the director's own, (0, 1). Servers that fail
   * before it is reached are down until then, with what `onDown` says of their connections.
   */
  above: number;
  /** The milliseconds within which failures are at once. The default is as long as it takes to find a dead server. */
  windowMs?: number;
}

/**
 * What may be different for one server.
 *
 * @example
 * ```ts
 * import { type HealthOptions, type ServerHealthOptions, tcpCheck } from 'tunvs/health';
 *
 * const far: ServerHealthOptions = { timeoutMs: 2000, intervalMs: 5000 };
 * const options: HealthOptions = {
 *   checks: [tcpCheck()],
 *   forServer: ({ address }) => (address.startsWith('10.9.') ? far : undefined),
 * };
 * console.log(options.checks.length); // 1
 * ```
 */
export interface ServerHealthOptions extends CheckTiming {
  /** The checks in place of the service's. */
  checks?: readonly (Check | TimedCheck)[];
  /** Whether the server stays in the list with weight 0 while it is down. */
  inhibit?: boolean;
  /** What becomes of its connections while it is down. */
  onDown?: OnDown;
  /** Who is told of it. */
  notify?: ServerNotifications;
}

/**
 * How the servers of one virtual service are checked, and what follows.
 *
 * @example
 * ```ts
 * import { Director } from 'tunvs';
 * import { type HealthOptions, httpCheck, monitorHealth, tcpCheck } from 'tunvs/health';
 *
 * const director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
 * const service = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
 * const options: HealthOptions = {
 *   checks: [tcpCheck(), { check: httpCheck({ path: '/health' }), intervalMs: 5000 }],
 *   rise: 3,
 *   onDown: 'reschedule',
 *   failOpen: { above: 0.5 },
 * };
 * const monitor = monitorHealth(director);
 * monitor.watch(service, options);
 * console.log(monitor.of(service)?.quorum); // 1
 * await monitor.close();
 * await director.close();
 * ```
 */
export interface HealthOptions extends CheckTiming {
  /** A server is up when all of them say so. */
  checks: readonly (Check | TimedCheck)[];
  /**
   * What is different for a server; `false` says that it is not checked and counts as up. It is asked when a server is
   * added or edited.
   */
  forServer?: (server: RealServer) => ServerHealthOptions | false | undefined;
  /** Whether a server that is down stays in the list with weight 0. By default it is out of the list. */
  inhibit?: boolean;
  /** What becomes of the connections of a server that is down. The default is 'reset'. */
  onDown?: OnDown;
  /**
   * The sum of the weights of live servers below which the service is down, so that its sorry servers take over. The
   * default is 1.
   */
  quorum?: number;
  /**
   * How much more than the quorum brings the service up, and how much less takes it down. It is less than the quorum.
   * The default is 0.
   */
  hysteresis?: number;
  /** Whether sorry servers stay in the list with weight 0 while they are not needed. The default is false. */
  inhibitSorry?: boolean;
  /**
   * Keeps all servers as they were when more than this share fails within one window, and tells it. By default every
   * failure counts.
   */
  failOpen?: FailOpenOptions;
  /** Holds flapping servers down; `true` stands for the defaults. By default nothing is held. */
  damping?: DampingOptions | boolean;
  /** Takes the traffic as an input; `true` stands for the defaults. By default it is not. */
  observe?: ObserveOptions | boolean;
  /** Who is told of the service and its servers. */
  notify?: ServiceNotifications;
  /**
   * The virtual address that checks go to, for a service by mark or of a range. The default is the one that the rule of
   * the mark names, or the first of the range.
   */
  virtualAddress?: string;
  /** Whether closing the monitor runs the commands for going down, as keepalived's `omega`. The default is false. */
  omega?: boolean;
}

/**
 * What holds for all services of a monitor.
 *
 * @example
 * ```ts
 * import { Director } from 'tunvs';
 * import { type MonitorOptions, monitorHealth } from 'tunvs/health';
 *
 * const director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
 * const options: MonitorOptions = { atOnce: 64, notify: { webhook: { url: 'https://hooks.example.com/tunvs' } } };
 * const monitor = monitorHealth(director, options);
 * console.log(monitor.checks); // 0
 * await monitor.close();
 * await director.close();
 * ```
 */
export interface MonitorOptions {
  /** How many checks may be under way at once, [1, 65536]. The default is 512, or fewer with fewer than 1280 open files. */
  atOnce?: number;
  /** Where news of all services goes. */
  notify?: Notifications;
  /**
   * What checks do while the director is a standby. With 'run', the default, they go on, so that it knows its servers
   * when it becomes active. With 'rest' they stop, and every server stays as it was known last.
   */
  onStandby?: OnStandby;
}

/** The values of {@link OnStandby}. */
export const onStandbyChoices = ['run', 'rest'] as const;

/** What checks do while the director is a standby. */
export type OnStandby = (typeof onStandbyChoices)[number];
