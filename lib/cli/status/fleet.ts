/** The line about the fleet on the screen of `tunvs status`. */
import type { Status } from '../../daemon/status.js';
import { type Span, span } from '../../demo/styled-line.js';
import { printable } from '../../values/printable.js';
import { ageText } from '../run/fleet-words.js';
import { count } from '../words.js';

type Fleet = NonNullable<Status['fleet']>;

export function fleetParts(fleet: Fleet, nowMs: number): Span[] {
  const { prefix, member, isConnected, sinceMs, endpoint, revision, from, newestRevision } = fleet;
  const { refused, hasLease, drain, probedServices } = fleet;
  const age = ageText(nowMs - sinceMs);
  const isBehind = newestRevision !== revision;
  return [
    span(`${member} of ${prefix}`),
    isConnected ? span(`etcd answers (${endpoint})`, 'good') : span(`etcd has been away for ${age}`, 'bad'),
    span(`revision ${revision}${from === 'cache' ? ' of the cache' : ''}`, from === 'cache' ? 'warning' : 'plain'),
    ...(isBehind ? [span(`${newestRevision} is the newest`, 'warning')] : []),
    ...(refused === undefined ? [] : [span(`refused: ${printable(refused.split('\n', 1)[0] as string)}`, 'bad')]),
    ...(hasLease ? [] : [span('the fleet does not see it', 'warning')]),
    ...(drain ? [span(`to be drained for ${ageText(nowMs - drain.sinceMs)}`, 'warning')] : []),
    ...(probedServices === undefined ? [] : [span(`checks ${count(probedServices.length, 'service')} for it`)]),
  ];
}
