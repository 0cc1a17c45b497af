/**
 * Refuses virtual addresses that are addresses of the director's own: of a packet to one, nobody could say whether a
 * client sent it or whether it answers a tunnel packet. A virtual range around a source of one address is the host's to
 * judge.
 */
import type { MarkRule } from '../values/marks.js';
import { refuse } from '../values/options.js';
import { isRange, isWithin } from '../values/prefix.js';
import type { ServiceIdentity } from '../values/service-key.js';

export function refuseSource(call: string, { address, mark }: ServiceIdentity, sources: readonly string[]): void {
  if (mark !== undefined) return;
  const inside = sources.find((each) => isWithin(address, each));
  if (inside !== undefined) refuse(`${call}: address`, address, outsideOf(inside));
  const held = sources.find((each) => isRange(each) && isWithin(each, address));
  if (held !== undefined)
    refuse(`${call}: address`, address, `a range without the source ${held}, where the director's own addresses are`);
}

/** A rule may cover more than the virtual addresses, so only one that fits nothing else is certainly wrong. */
export function refuseMarkedSource(call: string, rules: readonly MarkRule[], sources: readonly string[]): void {
  for (const { destination } of rules) {
    const inside = destination && sources.find((each) => isRange(each) && isWithin(destination, each));
    if (inside) refuse(`${call}: destination`, destination, outsideOf(inside));
  }
}

const outsideOf = (source: string) =>
  isRange(source)
    ? `an address outside of the source ${source}, where the director's own addresses are`
    : "an address other than the source, which is the director's own";
