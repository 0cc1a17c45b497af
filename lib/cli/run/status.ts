/** What a director does now, as one line for whoever asks by SIGUSR2. */
import type { Director } from '../../director/director.js';
import { dropNames } from '../../stats/counter-names.js';
import { type DirectorSample, RateMeter } from '../../stats/rates.js';
import { count } from '../words.js';
import { statsLine } from './stats-line.js';

/** Each call says the rates since the one before, the first since now. */
export function statusOf(director: Pick<Director, 'stats'>, nowMs = () => performance.now()): () => string {
  const meter = new RateMeter(director.stats(), nowMs());
  return () => statusLine(meter.sample(director.stats(), nowMs()));
}

export function statusLine(sample: DirectorSample): string {
  const { counters } = sample;
  const drops = dropNames.filter((name) => counters[name] > 0n);
  const dropped = drops.reduce((sum, name) => sum + counters[name], 0n);
  const reasons = drops.map((name) => `${name} ${counters[name]}`).join(', ');
  return `${statsLine(sample)}  ${count(Number(dropped), 'packet')} dropped so far${reasons && ` (${reasons})`}`;
}
