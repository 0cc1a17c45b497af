/** Tries rules out on a director without a device, before the one that carries packets is touched. */
import type { OfflineDirector } from '../director/director.js';
import type { FullNatOptions } from '../director/full-nat-options.js';
import { applyRules } from './apply.js';
import type { RuleLine } from './parse-rules.js';

/**
 * Returns a director without a device, on this host, that holds these rules. Throws what is wrong with them, and
 * touches nothing. It has full NAT, unless `fullNat` is null.
 */
export async function rehearseRules(
  lines: readonly RuleLine[],
  sources: readonly string[],
  fullNat?: FullNatOptions | null,
): Promise<OfflineDirector> {
  const { rehearsalDirector } = await import('../director/rehearsal.js');
  const director = rehearsalDirector(sources, undefined, fullNat);
  try {
    applyRules(director, lines);
    return director;
  } catch (error) {
    await director.close();
    throw error;
  }
}
