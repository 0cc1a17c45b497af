/** Brings a director to what other rules say, by as few changes as there are differences. */
import type { Director } from '../director/director.js';
import type { Rehearsed } from '../director/rehearsal.js';
import { type RuleChange, ruleChanges } from './changes.js';
import { picked } from './fields.js';
import { merge } from './merge.js';
import type { RuleLine } from './parse-rules.js';
import { putIntoForce } from './put-into-force.js';
import { reconcile } from './reconcile.js';
import { rehearseRules } from './rehearse.js';
import { heldBy, type Wanted } from './wanted.js';

export interface ReloadOptions {
  /**
   * The rules as they were read last. What they have in common with the new ones is left as the director has it, even
   * when it was changed by hand since. Without them the director gets all that the rules say, and nothing else.
   */
  since?: readonly RuleLine[];
}

/** The changes that {@link reloadRules} would make. Nothing is changed. */
export async function planRules(
  director: Director,
  lines: readonly RuleLine[],
  options: ReloadOptions = {},
): Promise<RuleChange[]> {
  return ruleChanges(await reloadSteps(director, lines, options));
}

/** The changes that it took. When the rules hold a mistake, it is thrown and the old ones stay in force. */
export async function reloadRules(
  director: Director,
  lines: readonly RuleLine[],
  options: ReloadOptions = {},
): Promise<RuleChange[]> {
  const steps = await reloadSteps(director, lines, options);
  putIntoForce(director, steps);
  return ruleChanges(steps);
}

async function reloadSteps(director: Director, lines: readonly RuleLine[], { since }: ReloadOptions) {
  const wanted = await wantedByRules(lines, director);
  const last = since && (await wantedByRules(since, director));
  const now = heldBy(director);
  return reconcile(now, last ? merge(last, now, wanted) : wanted);
}

/** What rules cannot say is left out, so that it stays as it is. */
export async function wantedByRules(lines: readonly RuleLine[], on: Rehearsed): Promise<Wanted> {
  await using rehearsed = await rehearseRules(lines, on);
  const { services, marks, timeouts, sysctls } = heldBy(rehearsed);
  return {
    services: services.map((service) => ({ ...service, settings: picked(SAID_OF_SERVICES, service.settings) })),
    marks,
    timeouts: picked(['established', 'finWait', 'udp'], timeouts),
    sysctls,
  };
}

const SAID_OF_SERVICES = ['scheduler', 'schedulerFlags', 'persistence', 'onePacket'] as const;
