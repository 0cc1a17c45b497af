/** Runs one check of one real server, by the virtual address, by the server's own, or by both, within its time. */
import type { RealServer } from '../../director/virtual-service.js';
import { TunvsError } from '../../values/errors.js';
import { type Check, CheckFailure, type Finding, type Way } from '../checks/check.js';
import { addressWay } from './address-way.js';
import { diagnose } from './diagnose.js';
import type { PinnedWay } from './pinned-way.js';
import type { PinnedWays } from './pinned-ways.js';
import { ownPort, type TargetOptions } from './target.js';

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
  /** The signal comes by 'timeout' when the time is over, so that one way needs no timer of its own. */
  isTimed?: boolean;
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

/** Runs the check by one way, and ends it when its time is over. */
async function attempt(run: CheckRun, way: Way, timeoutMs: number, ending?: AbortSignal): Promise<Finding> {
  if (run.isTimed && run.signal && run.via !== 'both') return untilAborted(run, way, run.signal);
  const controller = new AbortController();
  const outer = [run.signal, ending].filter((signal) => signal !== undefined);
  const forward = () => controller.abort(outer.find(({ aborted }) => aborted)?.reason);
  for (const signal of outer) signal.addEventListener('abort', forward, { once: true });
  const end = () => controller.abort(new CheckFailure('timeout', `no answer within ${timeoutMs} ms`));
  const timer = setTimeout(end, timeoutMs);
  try {
    // A signal that was aborted before tells nobody any more.
    if (outer.some(({ aborted }) => aborted)) forward();
    return await untilAborted(run, way, controller.signal);
  } finally {
    clearTimeout(timer);
    for (const signal of outer) signal.removeEventListener('abort', forward);
  }
}

/** Runs the check until the signal, also where the check does not heed it. */
async function untilAborted(run: CheckRun, way: Way, signal: AbortSignal): Promise<Finding> {
  let lastWord: NodeJS.Timeout | undefined;
  let end = () => {};
  const cut = new Promise<never>((_, reject) => {
    end = () => {
      lastWord = setTimeout(() => reject(signal.reason), LAST_WORD_MS);
    };
  });
  if (signal.aborted) end();
  signal.addEventListener('abort', end);
  try {
    return await Promise.race([run.check.run({ server: run.server, way, signal }), cut]);
  } catch (error) {
    if (run.signal?.aborted && !isOver(run.signal.reason)) throw run.signal.reason;
    return found(error);
  } finally {
    clearTimeout(lastWord);
    signal.removeEventListener('abort', end);
  }
}

/** Whoever runs the check has said that its time is over, which is a finding like any. */
function isOver(reason: unknown): boolean {
  return reason instanceof CheckFailure && reason.reason === 'timeout';
}

function addressOf({ server, target = {} }: CheckRun): Way {
  return addressWay({ address: server.address, port: target.port ?? ownPort(server) });
}

function found(error: unknown): Finding {
  if (error instanceof TunvsError && error.code === 'ERR_TUNVS_HOST')
    return { passed: false, reason: 'failed', message: error.message, isOwnFault: true };
  if (!(error instanceof CheckFailure)) {
    const message = error instanceof Error ? error.message : 'the check has thrown something that is no error';
    return { passed: false, reason: 'failed', message };
  }
  const { reason, message, mend, isOwnFault } = error;
  return { passed: false, reason, message, ...(mend !== undefined && { mend }), ...(isOwnFault && { isOwnFault }) };
}
