/** Tries rules out on a director without a device, before the one that carries packets is touched. */
import type { OfflineDirector } from '../director/director.js';
import type { Rehearsed } from '../director/rehearsal.js';
import { applyRules } from './apply.js';
import type { RuleLine } from './parse-rules.js';

/**
 * Returns a director without a device, on this host, that holds these rules. Throws what is wrong with them, and
 * touches nothing.
 */
export async function rehearseRules(lines: readonly RuleLine[], on: Rehearsed): Promise<OfflineDirector> {
  const { rehearsalDirector } = await import('../director/rehearsal.js');
  const director = rehearsalDirector(on.sources, undefined, on.fullNat ?? null);
  try {
    applyRules(director, lines);
    return director;
  } catch (error) {
    await director.close();
    throw error;
  }
}
