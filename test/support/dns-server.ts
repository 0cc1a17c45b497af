/** A small name server on UDP, whose answers a test changes as it goes. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { addressBytes } from '../../lib/values/inet.js';

export type DnsRecord =
  | { type: 'A' | 'AAAA'; address: string; ttl: number }
  | { type: 'SRV'; target: string; port: number; priority: number; weight: number; ttl: number };

const TYPES: Readonly<Record<DnsRecord['type'], number>> = { A: 1, AAAA: 28, SRV: 33 };
const SERVFAIL = 2;

export class DnsServer {
  /** By name, without the last dot. A name that is not there has no records, but it exists. */
  readonly records = new Map<string, DnsRecord[]>();
  /** Every question is answered with SERVFAIL. */
  isFailing = false;
  /** As `A web.internal`. */
  readonly asked: string[] = [];
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (query, { address, port }) => socket.send(this.#answer(query), port, address));
  }

  static async open(): Promise<DnsServer> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new DnsServer(socket);
  }

  /** As a resolver's setServers() takes it. */
  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  async close(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  #answer(query: Buffer): Buffer {
    const end = query.indexOf(0, 12);
    const question = query.subarray(12, end + 5);
    const name = labels(query.subarray(12, end));
    const type = query.readUInt16BE(end + 1);
    const word = (Object.keys(TYPES) as DnsRecord['type'][]).find((each) => TYPES[each] === type);
    this.asked.push(`${word} ${name}`);
    const found = this.isFailing ? [] : (this.records.get(name) ?? []).filter((record) => TYPES[record.type] === type);
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8180 | (this.isFailing ? SERVFAIL : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(found.length, 6);
    return Buffer.concat([header, question, ...found.map(written)]);
  }
}

function labels(wire: Buffer): string {
  const parts: string[] = [];
  for (let at = 0; at < wire.length; at += 1 + (wire[at] as number))
    parts.push(wire.toString('latin1', at + 1, at + 1 + (wire[at] as number)));
  return parts.join('.');
}

/** The name is a pointer to the question's. */
function written(record: DnsRecord): Buffer {
  const data = dataOf(record);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(TYPES[record.type], 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(record.ttl, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function dataOf(record: DnsRecord): Buffer {
  if (record.type !== 'SRV') return Buffer.from(addressBytes(record.address) as Uint8Array);
  const numbers = Buffer.alloc(6);
  numbers.writeUInt16BE(record.priority, 0);
  numbers.writeUInt16BE(record.weight, 2);
  numbers.writeUInt16BE(record.port, 4);
  const parts = record.target === '' ? [] : record.target.split('.');
  const target = parts.map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1'));
  return Buffer.concat([numbers, ...target, Buffer.from([0])]);
}
