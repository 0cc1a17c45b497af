/** Says which differences of docs/differences.md a torn datagram may show. */
import { bytesOf, rangesOf, type TornCase, type TornDatagram, type TornRange } from './torn-datagrams.js';

/** What is not checked because of a difference; all else is. */
export interface Allowance {
  /** Fewer datagrams may arrive than at a host. */
  fewer?: true;
  /** More datagrams may arrive than at a host. */
  more?: true;
  /** Errors that a host sends may be missing. */
  silence?: true;
  /** Errors may differ from a host's, or quote other bytes. */
  otherErrors?: true;
}

interface Difference extends Allowance {
  /** The beginning of its row in docs/differences.md. */
  row: string;
  holds(datagram: TornDatagram, ranges: readonly TornRange[]): boolean;
}

const LONGEST = 65_535;
/** The most header bytes besides the payload: an IPv4 header with 12 bytes of options, IPv6 extension headers. */
const headerBytes = ({ family, outside }: TornDatagram) => (family === 4 ? 32 : bytesOf(outside));
const isCut = (ranges: readonly TornRange[]) => ranges.some(({ from, more }) => from > 0 || more);

export const DIFFERENCES: readonly Difference[] = [
  {
    row: 'fragments that overlap',
    fewer: true,
    holds: (_, ranges) => ranges.some((left, at) => ranges.slice(at + 1).some((right) => doOverlap(left, right))),
  },
  {
    row: 'an IPv4 first fragment without the whole transport header',
    fewer: true,
    holds: ({ family }, ranges) =>
      family === 4 && ranges.some(({ from, bytes, more }) => from === 0 && more && bytes < 8),
  },
  {
    row: 'a fragment that ends beyond 65,535 bytes',
    fewer: true,
    holds: (datagram, ranges) => ranges.some(({ from, bytes }) => from + bytes + headerBytes(datagram) > LONGEST),
  },
  {
    row: 'a datagram in fragments for a port or of a protocol that nobody serves',
    silence: true,
    holds: ({ protocol }, ranges) => protocol !== 'served' && isCut(ranges),
  },
  {
    row: 'an IPv6 first fragment that ends within its extension headers',
    fewer: true,
    more: true,
    silence: true,
    otherErrors: true,
    holds: ({ family, inside }, ranges) =>
      family === 6 &&
      inside.length > 0 &&
      ranges.some(({ from, bytes, more }) => from === 0 && more && bytes < bytesOf(inside) + 8),
  },
  {
    row: 'an IPv6 extension header that a host refuses',
    silence: true,
    otherErrors: true,
    holds: ({ family, outside, inside, protocol }, ranges) =>
      family === 6 &&
      ([...outside, ...inside].some((each) => /Answered|Dropped|Left|Beyond|atomic|More/.test(each)) ||
        [...outside.slice(1), ...(isCut(ranges) ? inside : [...outside, ...inside].slice(1))].some((each) =>
          each.startsWith('hop'),
        ) ||
        (protocol === 'unknown' && outside.length + inside.length > 0)),
  },
  {
    row: 'an IPv6 packet that ends within its headers',
    silence: true,
    holds: ({ family, lie }) => family === 6 && lie < 0,
  },
  {
    row: 'IPv4 options that are malformed',
    silence: true,
    holds: ({ options }) => options === 'beyond' || options === 'noLength',
  },
  {
    row: 'the record-route and timestamp options',
    otherErrors: true,
    silence: true,
    holds: ({ options }) => options === 'recordRoute',
  },
];

/** Returns the rows that apply, and all that they allow together. */
export function differencesOf({ datagrams }: TornCase): { rows: string[]; allowed: Allowance } {
  const held = DIFFERENCES.filter(({ holds }) => datagrams.some((each) => holds(each, rangesOf(each))));
  const names = datagrams.map(
    ({ family, client, protocol }) => `${family} ${client} ${protocol === 'unserved' ? 'served' : protocol}`,
  );
  const areMixed = new Set(names).size < names.length;
  return {
    rows: held.map(({ row }) => row),
    allowed: Object.assign({}, ...held.map(({ row, holds, ...allowed }) => allowed), areMixed && { fewer: true }),
  };
}

/** Says whether two pieces overlap, or disagree where the datagram ends. Copies do neither. */
function doOverlap(left: TornRange, right: TornRange): boolean {
  const [leftEnd, rightEnd] = [left.from + left.bytes, right.from + right.bytes];
  if (!left.more && !right.more && leftEnd !== rightEnd) return true;
  if (left.more !== right.more && (left.more ? leftEnd >= rightEnd : rightEnd >= leftEnd)) return true;
  const areCopies = left.from === right.from && left.bytes === right.bytes;
  return !areCopies && left.from < rightEnd && right.from < leftEnd;
}
