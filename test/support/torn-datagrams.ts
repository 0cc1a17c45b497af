/**
 * Datagrams as an attacker would tear them, by fast-check: what they are, how they are cut, what is wrong with the
 * pieces, and the order in which they come. {@link packetsOf} makes packets of such a plan.
 */
import fc from 'fast-check';
import { addressBytes } from '../../lib/values/inet.js';
import { KERNEL, LISTENING_PORT } from './kernel-stack.js';
import { checksum, ip4, patch, transportChecksum } from './packets.js';

const [HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION] = [0, 43, 44, 60];
const UDP = 17;

/** IPv6 extension headers by what is in them; the first byte is filled in. */
const EXTENSIONS = {
  hop: [HOP_BY_HOP, [0, 0, 1, 4, 0, 0, 0, 0]],
  hopUnknownSkipped: [HOP_BY_HOP, [0, 0, 0x1e, 4, 0, 0, 0, 0]],
  hopUnknownAnswered: [HOP_BY_HOP, [0, 0, 0x9e, 4, 0, 0, 0, 0]],
  destination: [DESTINATION, [0, 0, 1, 4, 0, 0, 0, 0]],
  destinationLong: [DESTINATION, [0, 2, 0x1e, 20, ...Array<number>(20).fill(0)]],
  // This is more padding than aligns anything, and Linux drops it.
  destinationPaddedDropped: [DESTINATION, [0, 2, 1, 20, ...Array<number>(20).fill(0)]],
  destinationUnknownDropped: [DESTINATION, [0, 0, 0x5e, 4, 0, 0, 0, 0]],
  destinationUnknownAnswered: [DESTINATION, [0, 0, 0xde, 4, 0, 0, 0, 0]],
  destinationBeyond: [DESTINATION, [0, 255, 1, 4, 0, 0, 0, 0]],
  routeSpent: [ROUTING, [0, 2, 0, 0, ...Array<number>(20).fill(0)]],
  routeLeft: [ROUTING, [0, 2, 0, 1, ...Array<number>(20).fill(0)]],
  routeUnknownSpent: [ROUTING, [0, 0, 200, 0, 0, 0, 0, 0]],
  routeUnknownLeft: [ROUTING, [0, 0, 200, 1, 0, 0, 0, 0]],
  atomic: [FRAGMENT, [0, 0, 0, 0, 0, 0, 0, 9]],
  fragmentMore: [FRAGMENT, [0, 0, 0, 1, 0, 0, 0, 9]],
} as const satisfies Record<string, readonly [number, readonly number[]]>;
type Extension = keyof typeof EXTENSIONS;

/** IPv4 options. */
const OPTIONS = {
  none: [],
  nops: [1, 1, 1, 0],
  recordRoute: [7, 7, 4, 0, 0, 0, 0, 0],
  looseRoute: [131, 7, 4, 198, 51, 100, 9, 0],
  looseRouteSpent: [131, 7, 8, 198, 51, 100, 9, 0],
  beyond: [7, 20, 4, 0],
  noLength: [1, 1, 1, 7],
  routerAlert: [148, 4, 0, 0],
} as const satisfies Record<string, readonly number[]>;
type Options = keyof typeof OPTIONS;

/** Packets that are sent besides a datagram's, or left out. `piece` counts from 0 and wraps around. */
type Fault =
  | { kind: 'copy' | 'otherCopy' | 'gap' | 'last' | 'more' | 'empty'; piece: number }
  | { kind: 'odd'; piece: number; by: number }
  | { kind: 'overlap' | 'otherOverlap'; from: number; bytes: number; more: boolean }
  | { kind: 'beyond'; offset: number; bytes: number; more: boolean }
  | { kind: 'tiny'; bytes: number };

export interface TornDatagram {
  family: 4 | 6;
  client: number;
  protocol: 'served' | 'unserved' | 'unknown' | 'none';
  bytes: number;
  hasChecksum: boolean;
  options: Options;
  /** Headers before the fragment header and after it. */
  outside: Extension[];
  inside: Extension[];
  /** In units of 8 bytes; cuts at the end or beyond it are left out. */
  cuts: number[];
  faults: Fault[];
  /** Pieces are sorted by this; pieces without a key stay at the end in their order. */
  order: number[];
  /** Changes the length in the IP header, in every packet. */
  lie: number;
}

export interface TornCase {
  datagrams: TornDatagram[];
  /** Says which datagram has its next packet sent. */
  turns: number[];
}

export interface TornPacket {
  datagram: number;
  bytes: Uint8Array;
}

interface Piece {
  from: number;
  data: Uint8Array;
  more: boolean;
}

/** The place of a piece, as its packet says it. */
export interface TornRange {
  from: number;
  bytes: number;
  more: boolean;
}

/** Returns the pieces of a datagram, in the order of sending. */
export const rangesOf = (plan: TornDatagram): TornRange[] =>
  piecesOf(plan, bodyOf(plan, 0, 0).body).map(({ from, data, more }) => ({
    from,
    bytes: Math.max(0, data.length + Math.min(0, plan.lie)),
    more,
  }));

/** Counts bytes of extension headers. */
export const bytesOf = (names: readonly Extension[]) => chain(names, 0).bytes.length;

/** Clients' ports tell a case's datagrams apart. */
const portOf = (datagram: number) => 4000 + datagram;

const index = fc.nat({ max: 7 });
const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({ kind: fc.constantFrom('copy', 'otherCopy', 'gap', 'last', 'more', 'empty'), piece: index }),
  fc.record({ kind: fc.constant('odd'), piece: index, by: fc.integer({ min: -7, max: 7 }) }),
  fc.record({
    kind: fc.constantFrom('overlap', 'otherOverlap'),
    from: fc.nat({ max: 40 }),
    bytes: fc.integer({ min: 1, max: 25 }),
    more: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('beyond'),
    offset: fc.integer({ min: 65_440, max: 65_528 }),
    bytes: fc.nat({ max: 120 }),
    more: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('tiny'), bytes: fc.nat({ max: 16 }) }),
);

const often = <T>(usual: T, other: fc.Arbitrary<T>, weight = 5) =>
  fc.oneof({ arbitrary: fc.constant(usual), weight }, { arbitrary: other, weight: 1 });
const extensions = often<Extension[]>(
  [],
  fc.array(fc.constantFrom(...(Object.keys(EXTENSIONS) as Extension[])), { minLength: 1, maxLength: 3 }),
  3,
);

const datagram: fc.Arbitrary<TornDatagram> = fc.record({
  family: fc.constantFrom(4, 6),
  client: fc.nat({ max: 1 }),
  protocol: often('served', fc.constantFrom('unserved', 'unknown', 'none'), 9),
  bytes: fc.oneof(fc.nat({ max: 330 }), fc.nat({ max: 30 })),
  hasChecksum: fc.boolean(),
  options: often<Options>('none', fc.constantFrom(...(Object.keys(OPTIONS) as Options[])), 4),
  outside: extensions,
  inside: extensions,
  cuts: fc.array(fc.integer({ min: 1, max: 42 }), { maxLength: 7 }),
  faults: fc.oneof(fc.constant<Fault[]>([]), fc.array(fault, { maxLength: 3 })),
  order: fc.oneof(fc.constant<number[]>([]), fc.array(fc.nat({ max: 99 }), { maxLength: 12 })),
  lie: often(0, fc.integer({ min: -24, max: 24 }), 19),
});

export const tornCase: fc.Arbitrary<TornCase> = fc.record({
  datagrams: fc.oneof(
    { arbitrary: fc.array(datagram, { minLength: 1, maxLength: 1 }), weight: 2 },
    { arbitrary: fc.array(datagram, { minLength: 2, maxLength: 3 }), weight: 1 },
  ),
  turns: fc.array(fc.nat({ max: 2 }), { maxLength: 20 }),
});

/**
 * Returns all packets of a case in the order of sending. `number` makes the identification, which all its datagrams
 * share.
 */
export function packetsOf({ datagrams, turns }: TornCase, number: number): TornPacket[] {
  const queues = datagrams.map((each, at) => packetsOfOne(each, at, number).map((bytes) => ({ datagram: at, bytes })));
  const packets = turns.flatMap((turn) => queues[turn % queues.length]?.shift() ?? []);
  return [...packets, ...queues.flat()];
}

/** Returns the address of a client. */
const clientOf = ({ family, client }: TornDatagram) => `${KERNEL[family].clients.replace(/\d*\/.*$/, '')}${7 + client}`;

function packetsOfOne(plan: TornDatagram, at: number, number: number): Uint8Array[] {
  const { protocol, first, body } = bodyOf(plan, at, number);
  const pieces = piecesOf(plan, body);
  const packets = pieces.map((piece) => packetOf(plan, piece, { protocol, first, number }));
  return plan.lie === 0 ? packets : packets.map((packet) => lieAboutLength(packet, plan.lie));
}

/** Returns the bytes to cut: extension headers that come after the fragment header, and the datagram. */
function bodyOf(plan: TornDatagram, at: number, number: number) {
  const protocol = { served: UDP, unserved: UDP, unknown: 253, none: 59 }[plan.protocol];
  const datagramBytes = protocol === UDP ? udpOf(plan, at, number) : fill(plan.bytes + 8, number);
  if (plan.family === 4) return { protocol, first: protocol, body: datagramBytes };
  const { first, bytes } = chain(plan.inside, protocol);
  return { protocol, first, body: join(bytes, datagramBytes) };
}

function udpOf(plan: TornDatagram, at: number, number: number): Uint8Array {
  const packet = join(new Uint8Array(8), fill(plan.bytes, number));
  const view = new DataView(packet.buffer);
  view.setUint16(0, portOf(at));
  view.setUint16(2, plan.protocol === 'served' ? LISTENING_PORT : 99);
  view.setUint16(4, packet.length);
  const ends = [addressOf(clientOf(plan)), addressOf(KERNEL[plan.family].own)] as const;
  if (plan.hasChecksum || plan.family === 6) view.setUint16(6, transportChecksum(...ends, UDP, packet) || 0xffff);
  return packet;
}

/** Makes the cuts, then the mistakes, then the order. */
function piecesOf({ cuts, faults, order }: TornDatagram, body: Uint8Array): Piece[] {
  const ends = [...new Set(cuts.map((cut) => cut * 8))].filter((cut) => cut < body.length).sort((a, b) => a - b);
  const pieces: Piece[] = [];
  let from = 0;
  for (const end of [...ends, body.length]) {
    pieces.push({ from, data: body.slice(from, end), more: end < body.length });
    from = end;
  }
  for (const each of faults) apply(each, pieces, body);
  const keyed = pieces.map((piece, at) => ({ piece, key: order[at] ?? 100 + at }));
  return keyed.sort((a, b) => a.key - b.key).map(({ piece }) => piece);
}

function apply(fault: Fault, pieces: Piece[], body: Uint8Array): void {
  if ('piece' in fault) {
    const at = pieces.length === 0 ? 0 : fault.piece % pieces.length;
    const piece = pieces[at];
    if (!piece) return;
    const { data } = piece;
    if (fault.kind === 'gap') pieces.splice(at, 1);
    if (fault.kind === 'copy') pieces.splice(at + 1, 0, { ...piece });
    if (fault.kind === 'otherCopy') pieces.splice(at + 1, 0, { ...piece, data: data.map((byte) => byte ^ 0x55) });
    if (fault.kind === 'last') pieces.splice(at + 1, 0, { ...piece, more: false });
    if (fault.kind === 'more') pieces.splice(at + 1, 0, { ...piece, more: true });
    if (fault.kind === 'empty') pieces.splice(at, 0, { ...piece, data: data.slice(0, 0) });
    if (fault.kind === 'odd') piece.data = sized(data, Math.max(0, data.length + fault.by));
  } else if (fault.kind === 'beyond') {
    pieces.push({ from: fault.offset & ~7, data: fill(fault.bytes, 1), more: fault.more });
  } else if (fault.kind === 'tiny') {
    pieces.unshift({ from: 0, data: body.slice(0, fault.bytes), more: true });
  } else {
    const from = fault.from * 8;
    const data = sized(body.slice(from, from + fault.bytes * 8), fault.bytes * 8);
    const isOther = fault.kind === 'otherOverlap';
    pieces.splice(1, 0, { from, data: isOther ? data.map((byte) => byte ^ 0x55) : data, more: fault.more });
  }
}

function packetOf(
  plan: TornDatagram,
  { from, data, more }: Piece,
  { protocol, first, number }: { protocol: number; first: number; number: number },
): Uint8Array {
  const [source, destination] = [clientOf(plan), KERNEL[plan.family].own];
  if (plan.family === 4) {
    const options = Uint8Array.from(OPTIONS[plan.options]);
    const id = number & 0xffff;
    return ip4(source, destination, protocol, data, { id, mf: more, fragmentOffset: from, options, df: false });
  }
  const isWhole = from === 0 && !more;
  const fragment = new Uint8Array(isWhole ? 0 : 8);
  if (!isWhole) {
    const view = new DataView(fragment.buffer);
    view.setUint8(0, first);
    view.setUint16(2, from | Number(more));
    view.setUint32(4, number);
  }
  const front = chain(plan.outside, isWhole ? first : FRAGMENT);
  const payload = join(join(front.bytes, fragment), data);
  const header = new Uint8Array(40);
  const view = new DataView(header.buffer);
  view.setUint32(0, 0x60000000);
  view.setUint16(4, payload.length);
  header.set([front.first, 64], 6);
  header.set(addressOf(source), 8);
  header.set(addressOf(destination), 24);
  return join(header, payload);
}

function lieAboutLength(packet: Uint8Array, by: number): Uint8Array {
  const isV4 = (packet[0] ?? 0) >> 4 === 4;
  const at = isV4 ? 2 : 4;
  const length = new DataView(packet.buffer).getUint16(at) + by;
  const changed = patch(packet, at, (length >> 8) & 0xff, length & 0xff);
  if (!isV4) return changed;
  const headerBytes = ((changed[0] ?? 0) & 15) * 4;
  new DataView(changed.buffer).setUint16(10, 0);
  new DataView(changed.buffer).setUint16(10, checksum(changed.subarray(0, headerBytes)));
  return changed;
}

/** Joins extension headers, the last before `last`. */
function chain(names: readonly Extension[], last: number): { first: number; bytes: Uint8Array } {
  const types = [...names.map((name) => EXTENSIONS[name][0]), last];
  const headers = names.map((name, at) => patch(Uint8Array.from(EXTENSIONS[name][1]), 0, types[at + 1] ?? last));
  return { first: types[0] ?? last, bytes: headers.reduce(join, new Uint8Array(0)) };
}

const addressOf = (text: string) => addressBytes(text) ?? new Uint8Array(0);

/** Makes bytes that say whose they are. */
const fill = (bytes: number, number: number) =>
  Uint8Array.from({ length: bytes }, (_, at) => (at < 4 ? number >> (8 * (3 - at)) : at * 7 + (at >> 8)));

const sized = (data: Uint8Array, bytes: number) =>
  join(data.slice(0, bytes), fill(Math.max(0, bytes - data.length), 3));

function join(left: Uint8Array, right: Uint8Array): Uint8Array {
  return Uint8Array.from([...left, ...right]);
}
