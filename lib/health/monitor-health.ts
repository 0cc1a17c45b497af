/** Makes monitors. */
import type { Director } from '../director/director.js';
import { systemClock } from './clock.js';
import { HealthMonitor } from './monitor.js';
import type { MonitorParts } from './monitor-parts.js';
import { openFifo } from './notify/fifo.js';
import { post } from './notify/post.js';
import { runCommand } from './notify/run-command.js';
import type { MonitorOptions } from './options.js';
import type { Reach } from './probe.js';
import { reaching } from './reach.js';
import { readSignals } from './read-signals.js';

/**
 * Makes a monitor of the director's real servers, which checks nothing until {@link HealthMonitor.watch}. It does not
 * keep the process alive, as its director does not: a program waits for something else, such as `director.watch()`.
 *
 * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when an option is refused.
 *
 * @example
 * ```ts
 * import { Director } from 'tunvs';
 * import { monitorHealth } from 'tunvs/health';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const service = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
 * const server = service.addRealServer({ address: '10.3.0.11' });
 * const monitor = monitorHealth(director);
 * monitor.on('server', ({ server, isUp, message }) => console.log(server.address, isUp ? 'up' : 'down', message));
 * const check = { kind: 'mine', needsWay: false, run: async () => ({ passed: true, message: 'fine' }) };
 * monitor.watch(service, { checks: [check], intervalMs: 1000 });
 * console.log(monitor.of(server)?.state); // starting
 * await monitor.close();
 * await director.close();
 * ```
 */
export function monitorHealth(director: Director, options: MonitorOptions = {}): HealthMonitor {
  return new HealthMonitor(director, options, systemParts(director));
}

/** Does the same with checks that go through `share`, which may know already what one would find. @internal */
export function monitorSharedHealth(
  director: Director,
  options: MonitorOptions,
  share: (reach: Reach) => Reach,
): HealthMonitor {
  const parts = systemParts(director);
  const { reaching: own } = parts;
  return new HealthMonitor(director, options, { ...parts, reaching: { ...own, reach: share(own.reach) } });
}

/** @internal */
export function systemParts(director: Director): MonitorParts {
  return {
    clock: systemClock,
    random: Math.random,
    reaching: reaching(director),
    signals: readSignals,
    post,
    runCommand,
    openFifo,
  };
}
