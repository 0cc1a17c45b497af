/** Adds to an explanation which servers are not chosen because of their health, and why. */
import type { Explanation } from '../../director/explain.js';
import type { VirtualService } from '../../director/virtual-service.js';
import { whyNotChosen } from '../../health/sentences.js';
import type { HealthSlot } from '../../health/view.js';

/** As many as a reader looks at. */
const MOST_SAID = 10;

export function withHealth(
  explained: Explanation,
  service: VirtualService | undefined,
  health: HealthSlot | undefined,
): Explanation & { notChosen?: string[] } {
  const found = service && health?.of(service);
  // Who has a connection is not chosen any more.
  if (!found || explained.by === 'connection' || explained.by === 'datagram') return explained;
  const notChosen = found.servers.flatMap((server) => whyNotChosen(server) ?? []);
  if (notChosen.length === 0) return explained;
  const more = notChosen.length > MOST_SAID ? `; and ${notChosen.length - MOST_SAID} more` : '';
  const text = `${explained.text} Not chosen: ${notChosen.slice(0, MOST_SAID).join('; ')}${more}.`;
  return { ...explained, notChosen, text };
}
