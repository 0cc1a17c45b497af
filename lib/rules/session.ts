/**
 * ipvsadm's commands at one director, for as long as it runs: changes come into force, listings are printed, and their
 * rates come from one estimator that is there all the while, as the kernel's is.
 *
 * Invariant: changes between two listings are one transaction.
 */
import type { Connection } from '../stats/connections.js';
import { RateMeter } from '../stats/rates.js';
import type { DirectorStats } from '../stats/stats.js';
import { applyRules, isShowCommand, type RulesTarget, type ShowCommand } from './apply.js';
import { located } from './errors.js';
import type { RuleLine } from './parse-rules.js';
import { show } from './show.js';
import type { MarkRule } from '../values/marks.js';

/** What a session needs of its director; `Director` and `OfflineDirector` have it. */
export interface SessionTarget extends RulesTarget {
  stats(): DirectorStats;
  readonly marks: readonly MarkRule[];
  connections(): AsyncIterable<Connection>;
}

export class RulesSession {
  readonly #target: SessionTarget;
  #meter: RateMeter | undefined;

  constructor(target: SessionTarget) {
    this.#target = target;
  }

  /** The estimator begins: from now on listings have rates. `atMs`: on the clock of the target's stats. */
  beginEstimates(atMs: number): void {
    this.#meter = new RateMeter(this.#target.stats(), atMs);
  }

  /** Call every ESTIMATE_INTERVAL_MS of that clock; before beginEstimates() there is nothing to do. */
  stepEstimates(): void {
    this.#meter?.step(this.#target.stats());
  }

  /** Changes alone, as one transaction. A mistake leaves the director as it was and names its line; so does a listing. */
  apply(changes: readonly RuleLine[]): void {
    applyRules(this.#target, changes);
  }

  /**
   * The lines in their order; what they print, in whole lines. A mistake names its line: changes of its transaction are
   * undone, and those behind it are not looked at.
   */
  async *execute(lines: readonly RuleLine[]): AsyncGenerator<string, void, undefined> {
    let changes: RuleLine[] = [];
    for (const line of lines) {
      if (isShowCommand(line.rule)) {
        this.apply(changes);
        changes = [];
        yield* this.#show(line, line.rule);
      } else {
        changes.push(line);
      }
    }
    this.apply(changes);
  }

  async *#show({ place }: RuleLine, command: ShowCommand): AsyncGenerator<string, void, undefined> {
    const target = this.#target;
    const meter = this.#meter;
    const source = {
      services: () => {
        const stats = target.stats();
        return meter ? meter.sample(stats, stats.atMs).services : stats.services;
      },
      timeouts: target.timeouts,
      marks: target.marks,
      connections: () => target.connections(),
    };
    try {
      yield* show(source, command);
    } catch (error) {
      located(place, () => {
        throw error;
      });
    }
  }
}
