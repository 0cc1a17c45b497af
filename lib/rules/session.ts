/**
 * Executes ipvsadm's commands at one director, for as long as it runs: changes come into force, listings are printed,
 * and their rates come from one estimator that runs all the time, as the kernel's does.
 *
 * Invariant: changes between two listings are one transaction.
 */
import type { SyncOptions, SyncRole, SyncState } from '../director/sync.js';
import type { Connection } from '../stats/connections.js';
import { RateMeter } from '../stats/rates.js';
import type { DirectorStats } from '../stats/stats.js';
import { applyRules, isShowCommand, type RulesTarget, type ShowCommand } from './apply.js';
import { located } from './errors.js';
import type { RuleLine } from './parse-rules.js';
import { type ShowSource, show } from './show.js';
import type { MarkRule } from '../values/marks.js';

/** What a session needs of its director; `Director` and `OfflineDirector` have it. */
export interface SessionTarget extends RulesTarget {
  stats(): DirectorStats;
  readonly marks: readonly MarkRule[];
  connections(): AsyncIterable<Connection>;
  readonly sync: SyncState;
  startSync(options: SyncOptions): void;
  stopSync(role: SyncRole): void;
}

export class RulesSession {
  /** The director. */
  readonly target: SessionTarget;
  #meter: RateMeter | undefined;

  constructor(target: SessionTarget) {
    this.target = target;
  }

  /** Starts the estimator: listings have rates from now on. `atMs` is on the clock of the target's stats. */
  beginEstimates(atMs: number): void {
    this.#meter = new RateMeter(this.target.stats(), atMs);
  }

  /** REQUIRES: called every ESTIMATE_INTERVAL_MS of that clock. Before beginEstimates() it does nothing. */
  stepEstimates(): void {
    this.#meter?.step(this.target.stats());
  }

  /**
   * Makes changes only, as one transaction. A mistake, or a listing, leaves the director as it was; the error names its
   * line.
   */
  apply(changes: readonly RuleLine[]): void {
    applyRules(this.target, changes);
  }

  /**
   * Executes the lines in their order and yields what they print, in whole lines. An error names the line of a mistake:
   * the changes of its transaction are undone, and later ones are not looked at.
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
    try {
      yield* show(this.source(), command);
    } catch (error) {
      located(place, () => {
        throw error;
      });
    }
  }

  /** What listings read: the state of the director now, with rates if the estimator runs. */
  source(): ShowSource {
    const { target } = this;
    const meter = this.#meter;
    return {
      services: () => {
        const stats = target.stats();
        return meter ? meter.sample(stats, stats.atMs).services : stats.services;
      },
      timeouts: target.timeouts,
      marks: target.marks,
      sync: target.sync,
      connections: () => target.connections(),
    };
  }
}
