/**
 * One attempt of a check within its time. A check that goes on beyond it is cut: its attempt ends, whether it heeds its
 * signal or not. Time in which this process was stopped or blocked does not count.
 */
import type { Agenda, Entry } from './agenda.js';
import { CheckFailure, type Finding } from './checks/check.js';
import type { Clock } from './clock.js';
import { plainFailure, plainFinding } from './plain-finding.js';
import type { Stalls } from './stalls.js';

/** What an attempt has found. */
export interface Attempted {
  finding: Finding;
  durationMs: number;
  /**
   * Whether a failure may be the fault of this process. It is 'full' when the process was blocked for longer than the
   * timeout. It is 'some' when the server did not have its whole time to answer, and when it had that beside such a
   * block.
   */
  doubt: 'none' | 'some' | 'full';
}

export interface TimeToAnswer {
  readonly timeoutMs: number;
  /** When the attempt is cut, in milliseconds; a check may need longer than the timeout to say why it has failed. */
  readonly limitMs: number;
  /** The check has closed all that it has opened when it says its word, and needs no telling that it is over. */
  readonly closesAll?: boolean | undefined;
}

/** What a check has opened ends with this reason when it has said its word. */
const OVER = new CheckFailure('closed', 'the check is over');
/** Once its time is over, a check has this long, in milliseconds, to say more than that it is. */
const LAST_WORD_MS = 50;

export function attempt(
  time: { clock: Clock; agenda: Agenda; stalls: Stalls },
  { timeoutMs, limitMs, closesAll = false }: TimeToAnswer,
  run: (signal: AbortSignal) => Promise<Finding>,
  done: (attempted: Attempted) => void,
): void {
  const { clock, agenda, stalls } = time;
  const beganMs = clock.nowMs();
  const stalledMs = stalls.totalMs;
  const abort = new AbortController();
  let grantedMs = 0;
  let isDone = false;
  let entry: Entry;

  const cut = () => {
    isDone = true;
    abort.abort(OVER);
  };
  const finish = (finding: Finding) => {
    if (isDone) return;
    isDone = true;
    agenda.ended(cut);
    agenda.cancel(entry);
    stalls.look();
    const blockedMs = stalls.totalMs - stalledMs;
    const durationMs = clock.nowMs() - beganMs;
    done({ finding, durationMs, doubt: doubtOf(finding, { durationMs, blockedMs, timeoutMs }) });
    if (!closesAll && !abort.signal.aborted) abort.abort(OVER);
  };
  const end = () => {
    const blockedMs = Math.min(timeoutMs, stalls.totalMs - stalledMs);
    if (blockedMs > grantedMs) {
      entry = agenda.at(clock.nowMs() + blockedMs - grantedMs, end);
      grantedMs = blockedMs;
      return;
    }
    const late = new CheckFailure('timeout', `no answer within ${timeoutMs} ms`);
    entry = agenda.at(clock.nowMs() + LAST_WORD_MS, () => finish(plainFailure(late)));
    abort.abort(late);
  };
  agenda.begun(cut);
  entry = agenda.at(beganMs + limitMs, end);
  started(run, abort.signal).then(
    (finding) => finish(plainFinding(finding)),
    (error: unknown) => finish(plainFailure(error)),
  );
}

function doubtOf(
  { passed, reason }: Finding,
  { durationMs, blockedMs, timeoutMs }: { durationMs: number; blockedMs: number; timeoutMs: number },
): Attempted['doubt'] {
  if (passed || blockedMs === 0) return 'none';
  const hadItsTime = durationMs - blockedMs >= 0.9 * timeoutMs;
  // Short stalls add up to as much; a server that had its whole time besides is not doubted for ever.
  if (blockedMs >= timeoutMs) return reason === 'timeout' && hadItsTime ? 'some' : 'full';
  return reason === 'timeout' && !hadItsTime ? 'some' : 'none';
}

/** A check that is not asynchronous may throw at once. */
async function started(run: (signal: AbortSignal) => Promise<Finding>, signal: AbortSignal): Promise<Finding> {
  return run(signal);
}
