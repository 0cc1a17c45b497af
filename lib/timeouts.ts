/** The timeouts that ipvsadm's `--set` changes. */
import { checkedOptions, integerOption } from './options.js';

/** Seconds. */
export interface Timeouts {
  /** Of an established TCP connection without packets; 900 at first. */
  tcp: number;
  /** Of a TCP connection after the client's FIN; 120 at first. */
  tcpFin: number;
  /** Of UDP; 300 at first. */
  udp: number;
}

/** ipvsadm's limit: 31 days. */
const MAX_SECONDS = 2_678_400;

/** 0, which leaves a timeout as it is, stands in for those left out. */
export function checkedTimeouts(timeouts: Partial<Timeouts>): Timeouts {
  checkedOptions('setTimeouts', timeouts, ['tcp', 'tcpFin', 'udp']);
  const seconds = (name: keyof Timeouts) => integerOption(`setTimeouts: ${name}`, timeouts[name], 0, MAX_SECONDS, 0);
  return { tcp: seconds('tcp'), tcpFin: seconds('tcpFin'), udp: seconds('udp') };
}
