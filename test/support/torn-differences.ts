/** Which differences of docs/differences.md a torn datagram may show. */
import type { TornCase, TornDatagram } from './torn-datagrams.js';

export interface Difference {
  /** The row of docs/differences.md, its first column. */
  row: string;
  /** Less of it arrives, and what a host would say of the whole is not said; or it arrives not and is not answered. */
  allows: 'fewer' | 'silence';
  holds(datagram: TornDatagram): boolean;
}

export const DIFFERENCES: readonly Difference[] = [];

export const differencesOf = ({ datagrams }: TornCase): Difference[] =>
  DIFFERENCES.filter(({ holds }) => datagrams.some(holds));
