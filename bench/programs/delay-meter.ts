/**
 * Measures delays to several virtual addresses in turn, as its argument (DelayMeterOptions in JSON) says. Prints a list
 * of turns, each a list of what was measured to each address.
 */
import { type DelayOptions, type Delays, nativeBench } from '../native-bench.js';

export interface DelayMeterOptions extends Omit<DelayOptions, 'virtualAddress'> {
  virtualAddresses: string[];
  /** Every other one goes backwards, so that drift affects all alike. */
  turns: number;
}

const { virtualAddresses, turns, ...options } = JSON.parse(process.argv[2] ?? '{}') as DelayMeterOptions;

function measure(virtualAddress: string): Delays {
  const { sent, received, ns, ...quantiles } = nativeBench.delay({ ...options, virtualAddress });
  return { ...quantiles, sent: Number(sent), received: Number(received), ns: Number(ns) };
}

const measured = Array.from({ length: turns }, (_, turn) =>
  turn % 2 === 0 ? virtualAddresses.map(measure) : virtualAddresses.toReversed().map(measure).toReversed(),
);
console.log(JSON.stringify(measured));
