/** Runs one check of one real server, by the virtual address, by the server's own, or by both, within its time. */
import type { RealServer } from '../../director/virtual-service.js';
import { type Check, CheckFailure, type Finding, type Way } from '../checks/check.js';
import { addressWay } from './address-way.js';
import { diagnose } from './diagnose.js';
import type { PinnedWay } from './pinned-way.js';
import type { PinnedWays } from './pinned-ways.js';
import type { TargetOptions } from './target.js';

export interface CheckRun {
  check: Check;
  server: RealServer;
  /**
   * With `both`, the virtual address decides. The server's own is asked as well when that has failed, or has not
   * answered within half of the time, and tells a server that is down from one that does not take tunnel packets.
   */
  via: 'vip' | 'address' | 'both';
  /** With `both` a failure takes up to half of this longer. */
  timeoutMs: number;
  /** The virtual address and port of a service that has many or none. */
  target?: TargetOptions;
  /**
   * Ends the check at once; then it rejects with the signal's reason, unless that is a CheckFailure by 'timeout': then
   * it resolves with what is known.
   */
  signal?: AbortSignal;
}

/** Resolves with what was found, whatever goes wrong; rejects when the run's own signal ends it. */
export async function runCheck(ways: PinnedWays, run: CheckRun): Promise<Finding> {
  run.signal?.throwIfAborted();
  const { check, server, via, timeoutMs, target = {} } = run;
  // Such a check reaches the server in its own way, and nothing is to be learned of another.
  if (!check.needsWay || via === 'address') return attempt(run, addressOf(run), timeoutMs);
  let way: PinnedWay;
  try {
    way = ways.way(server, target);
  } catch (error) {
    return found(error);
  }
  const subject = ways.subject(server, way);
  try {
    if (via === 'vip') {
      const vip = await attempt(run, way, timeoutMs);
      return diagnose({ vip, evidence: way.evidence() }, subject, ways.facts);
    }
    const { vip, address } = await askBoth(run, way);
    return diagnose({ vip, address, evidence: way.evidence() }, subject, ways.facts);
  } finally {
    way[Symbol.dispose]();
  }
}

async function askBoth(run: CheckRun, way: PinnedWay): Promise<{ vip: Finding; address?: Finding }> {
  const shareMs = Math.max(1, run.timeoutMs / 2);
  const ending = new AbortController();
  let asked: Promise<Finding> | undefined;
  const ask = () => {
    asked ??= attempt(run, addressOf(run), shareMs, ending.signal);
    // Nobody waits for it when the virtual address answers after all.
    asked.catch(() => {});
    return asked;
  };
  const timer = setTimeout(ask, shareMs);
  try {
    const vip = await attempt(run, way, run.timeoutMs);
    const { flows, packets } = way.evidence();
    return vip.passed || flows === 0 || packets === 0 ? { vip } : { vip, address: await ask() };
  } finally {
    clearTimeout(timer);
    ending.abort(new Error('the virtual address has answered'));
  }
}

/** A check that is ended has this long, in milliseconds, to say what it knows; the monitor gives it no more than 50. */
const LAST_WORD_MS = 20;

/** Runs the check by one way, and ends it when its time is over, also where it does not heed its signal. */
async function attempt(run: CheckRun, way: Way, timeoutMs: number, ending?: AbortSignal): Promise<Finding> {
  const controller = new AbortController();
  const outer = [run.signal, ending].filter((signal) => signal !== undefined);
  const forward = () => controller.abort(outer.find(({ aborted }) => aborted)?.reason);
  for (const signal of outer) signal.addEventListener('abort', forward, { once: true });
  let lastWord: NodeJS.Timeout | undefined;
  const cut = new Promise<never>((_, reject) => {
    const end = () => {
      lastWord = setTimeout(() => reject(controller.signal.reason), LAST_WORD_MS);
    };
    controller.signal.addEventListener('abort', end, { once: true });
  });
  const late = new CheckFailure('timeout', `no answer within ${timeoutMs} ms`);
  const timer = setTimeout(() => controller.abort(late), timeoutMs);
  try {
    // A signal that was aborted before tells nobody any more.
    if (outer.some(({ aborted }) => aborted)) forward();
    return await Promise.race([run.check.run({ server: run.server, way, signal: controller.signal }), cut]);
  } catch (error) {
    const { signal } = run;
    if (signal?.aborted && !isOver(signal.reason)) throw signal.reason;
    return found(error);
  } finally {
    clearTimeout(timer);
    clearTimeout(lastWord);
    for (const signal of outer) signal.removeEventListener('abort', forward);
  }
}

/** Whoever runs the check has said that its time is over, which is a finding like any. */
function isOver(reason: unknown): boolean {
  return reason instanceof CheckFailure && reason.reason === 'timeout';
}

function addressOf({ server, target = {} }: CheckRun): Way {
  const port = target.port ?? (server.port || server.service.port);
  return addressWay({ address: server.address, port });
}

function found(error: unknown): Finding {
  if (!(error instanceof CheckFailure)) {
    const message = error instanceof Error ? error.message : 'the check has thrown something that is no error';
    return { passed: false, reason: 'failed', message };
  }
  const { reason, message, mend, isOwnFault } = error;
  return { passed: false, reason, message, ...(mend !== undefined && { mend }), ...(isOwnFault && { isOwnFault }) };
}
