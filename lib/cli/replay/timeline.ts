/**
 * Puts a capture's packets and the rules that are due between them in the order of the capture's clock. A rule comes
 * before the packets of the same time.
 */
import type { OfflineDirector } from '../../director/director.js';
import type { ProcessedPacket } from '../../director/offline-director.js';
import { ESTIMATE_INTERVAL_MS } from '../../stats/rates.js';
import type { RuleLine } from '../../rules/parse-rules.js';
import { RulesSession } from '../../rules/session.js';

/** Each step leaves three quarters of a number of at most 64 bits. */
const QUIET_STEPS = 256;

export class Timeline {
  /** Rules that are due on the clock, earliest first; lines of the same time are in the order of the file. */
  private readonly timed: RuleLine[];
  private next = 0;
  private readonly session: RulesSession;
  private meterDueMs = Number.POSITIVE_INFINITY;

  /** `print` receives what listings say, in whole lines, and is awaited. */
  constructor(
    private readonly director: OfflineDirector,
    private readonly lines: readonly RuleLine[],
    private readonly print: (text: string) => Promise<void> | void,
  ) {
    this.timed = lines
      .filter(({ atMs }) => atMs !== undefined)
      .sort((left, right) => (left.atMs as number) - (right.atMs as number));
    this.session = new RulesSession(director);
  }

  /** Executes the rules without a time. REQUIRES: called once, before everything else. */
  async begin(): Promise<void> {
    await this.run(this.lines.filter(({ atMs }) => atMs === undefined));
    if (!this.lines.some(({ rule }) => rule.command === 'list' && rule.columns === 'rate')) return;
    this.session.beginEstimates(0);
    this.meterDueMs = ESTIMATE_INTERVAL_MS;
  }

  /** Returns what would be sent, each with the index of its cause. `timesMs` are on the clock and do not go back. */
  async process(packets: readonly Uint8Array[], timesMs: Float64Array): Promise<ProcessedPacket[]> {
    const sent: ProcessedPacket[] = [];
    for (let at = 0; at < packets.length; ) {
      await this.reach(timesMs[at] as number);
      const dueMs = this.dueMs();
      let end = at + 1;
      while (end < packets.length && (timesMs[end] as number) < dueMs) end++;
      const { outputs } = this.director.process(packets.slice(at, end), timesMs.slice(at, end));
      for (const { data, cause } of outputs) sent.push({ data, cause: cause + at });
      at = end;
    }
    return sent;
  }

  /** Executes the rules that are due before a packet of this time. */
  async advance(atMs: number): Promise<void> {
    await this.reach(atMs);
    this.director.advance(atMs);
  }

  /** Executes the rules that are due after the last packet. */
  async finish(): Promise<void> {
    await this.reach(this.timed.at(-1)?.atMs ?? 0);
  }

  private dueMs(): number {
    return Math.min(this.timed[this.next]?.atMs ?? Number.POSITIVE_INFINITY, this.meterDueMs);
  }

  /** Executes everything that is due at `atMs` or before, each at its own time. */
  private async reach(atMs: number): Promise<void> {
    this.skipQuietSteps(Math.min(atMs, this.timed[this.next]?.atMs ?? Number.POSITIVE_INFINITY));
    for (let dueMs = this.dueMs(); dueMs <= atMs; dueMs = this.dueMs()) {
      this.director.advance(dueMs);
      if (dueMs === this.meterDueMs) {
        this.session.stepEstimates();
        this.meterDueMs += ESTIMATE_INTERVAL_MS;
      } else {
        const start = this.next;
        while (this.timed[this.next]?.atMs === dueMs) this.next++;
        await this.run(this.timed.slice(start, this.next));
        this.skipQuietSteps(Math.min(atMs, this.timed[this.next]?.atMs ?? Number.POSITIVE_INFINITY));
      }
    }
  }

  /** Skips estimator steps in a time without packets and rules, but keeps as many as bring any estimate to 0. */
  private skipQuietSteps(untilMs: number): void {
    const steps = Math.floor((untilMs - this.meterDueMs) / ESTIMATE_INTERVAL_MS);
    if (steps > QUIET_STEPS) this.meterDueMs += (steps - QUIET_STEPS) * ESTIMATE_INTERVAL_MS;
  }

  private async run(lines: readonly RuleLine[]): Promise<void> {
    for await (const text of this.session.execute(lines)) await this.print(text);
  }
}
