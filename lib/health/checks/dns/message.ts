/** Messages of DNS (RFC 1035): a question is written, an answer is read, and whatever a server sends is bounded. */
import { formatAddress } from '../../../values/inet.js';

/** The types that are asked for by name, and their numbers. */
export const recordTypes = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  RRSIG: 46,
  DNSKEY: 48,
} as const;
export type RecordType = keyof typeof recordTypes;

/** The codes of answers in the order of their numbers. */
export const responseCodes = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'] as const;
export type ResponseCode = (typeof responseCodes)[number];

export interface Question {
  /** As parseName() takes it. */
  name: string;
  type: RecordType;
  /** [0, 65535] */
  id: number;
  isRecursionWanted: boolean;
}

export interface DnsRecord {
  /** In lower case, with its last dot. */
  name: string;
  /** The number. */
  type: number;
  /** As in a zone file; in hexadecimal for a type that has no text here. */
  data: string;
}

export interface DnsAnswer {
  /** As 'NOERROR', or 'rcode 9' for a number that has no name here. */
  code: string;
  isTruncated: boolean;
  /** What was read before the end, or before what is malformed in a truncated message. */
  records: DnsRecord[];
}

/** A message that is no answer to the question; the sentence says why. */
export class NoAnswer extends Error {
  /** Whether the true answer may still come: this one has another id, and need not be the server's. */
  readonly isOfAnother: boolean;

  constructor(message: string, isOfAnother = false) {
    super(message);
    this.isOfAnother = isOfAnother;
  }
}

const CLASS_IN = 1;
const HEADER_BYTES = 12;
const MAX_NAME = 255;
const MAX_LABEL = 63;
/** As many as a message may hold by its header; more are not kept. */
const MAX_RECORDS = 1000;
/** Labels and pointers of all names: chains of pointers in 64 KiB could keep the event loop busy for seconds. */
const MAX_STEPS = 65_536;

/** The labels of a name, whose last dot may be left out. Throws an Error that says what is wrong. */
export function parseName(name: string): Buffer[] {
  if (name === '.') return [];
  const labels = name
    .replace(/\.$/, '')
    .split('.')
    .map((label) => Buffer.from(label));
  for (const label of labels) {
    if (label.length === 0) throw new Error('it has an empty label');
    if (label.length > MAX_LABEL) throw new Error(`it has a label of more than ${MAX_LABEL} bytes`);
  }
  if (labels.reduce((sum, label) => sum + 1 + label.length, 1) > MAX_NAME)
    throw new Error(`it is longer than ${MAX_NAME} bytes`);
  return labels;
}

function questionBytes({ name, type }: Question): Buffer {
  const labels = parseName(name).map((label) => Buffer.concat([Buffer.of(label.length), label]));
  return Buffer.concat([...labels, Buffer.of(0, 0, recordTypes[type], 0, CLASS_IN)]);
}

export function writeQuestion(question: Question): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(question.id, 0);
  header.writeUInt16BE(question.isRecursionWanted ? 0x0100 : 0, 2);
  header.writeUInt16BE(1, 4);
  return Buffer.concat([header, questionBytes(question)]);
}

/** @throws {@link NoAnswer} for whatever is no answer to this question. */
export function readAnswer(message: Buffer, question: Question): DnsAnswer {
  if (message.length < HEADER_BYTES)
    throw new NoAnswer(`an answer of ${message.length} bytes, which is no DNS message`);
  if (message.readUInt16BE(0) !== question.id) throw new NoAnswer('an answer with another id', true);
  const flags = message.readUInt16BE(2);
  if ((flags & 0x8000) === 0) throw new NoAnswer('a question in place of an answer');
  if ((flags & 0x7800) !== 0) throw new NoAnswer('an answer to another kind of query');
  const number = flags & 0x000f;
  const answer: DnsAnswer = {
    code: responseCodes[number] ?? `rcode ${number}`,
    isTruncated: (flags & 0x0200) !== 0,
    records: [],
  };
  const reader = new Reader(message, HEADER_BYTES);
  const questions = message.readUInt16BE(4);
  // A server that does not understand the question need not repeat it.
  if (questions === 0 && answer.code !== 'NOERROR') return answer;
  if (questions !== 1 || !isSame(reader, question)) throw new NoAnswer('an answer to another question');
  readRecords(reader, message.readUInt16BE(6), answer);
  return answer;
}

function isSame(reader: Reader, { name, type }: Question): boolean {
  const wanted = parseName(name).map(shownLabel).join('.').toLowerCase();
  return reader.name() === `${wanted}.` && reader.uint16() === recordTypes[type] && reader.uint16() === CLASS_IN;
}

function readRecords(reader: Reader, count: number, answer: DnsAnswer): void {
  try {
    for (let left = Math.min(count, MAX_RECORDS); left > 0; left--) answer.records.push(reader.record());
  } catch (error) {
    if (!answer.isTruncated) throw error;
  }
}

/** Reads forwards; each read throws NoAnswer beyond the end. */
class Reader {
  readonly #bytes: Buffer;
  #at: number;
  #steps = 0;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw new NoAnswer('an answer that is cut short');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  uint8 = () => {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new NoAnswer('an answer that is cut short');
    this.#at++;
    return byte;
  };
  uint16 = () => this.take(2).readUInt16BE();
  uint32 = () => this.take(4).readUInt32BE();

  /**
   * In lower case, with the last dot. A pointer has to point before the name, or before the pointer that led to it, so
   * that there is no loop.
   */
  name(): string {
    const labels: string[] = [];
    let length = 1;
    let begin = this.#at;
    let end: number | undefined;
    for (;;) {
      if (++this.#steps > MAX_STEPS) throw new NoAnswer(`an answer whose names have more than ${MAX_STEPS} parts`);
      const size = this.uint8();
      if (size === 0) break;
      if (size >= 0xc0) {
        const target = ((size & 0x3f) << 8) | this.uint8();
        end ??= this.#at;
        if (target >= begin) throw new NoAnswer('an answer with a name that points forwards');
        begin = target;
        this.#at = target;
        continue;
      }
      if (size > MAX_LABEL) throw new NoAnswer('an answer with a name of an unknown form');
      length += 1 + size;
      if (length > MAX_NAME) throw new NoAnswer('an answer with a name that is too long');
      labels.push(shownLabel(this.take(size)));
    }
    if (end !== undefined) this.#at = end;
    return `${labels.join('.')}.`.toLowerCase();
  }

  record(): DnsRecord {
    const name = this.name();
    const type = this.uint16();
    this.take(6); // class and time to live
    const length = this.uint16();
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new NoAnswer('an answer that is cut short');
    const data = this.#data(type, end);
    if (this.#at !== end) throw new NoAnswer('an answer with a record of the wrong length');
    return { name, type, data };
  }

  #data(type: number, end: number): string {
    const rest = () => this.take(Math.max(0, end - this.#at));
    switch (type) {
      case recordTypes.A:
      case recordTypes.AAAA: {
        const bytes = rest();
        if (bytes.length !== (type === recordTypes.A ? 4 : 16))
          throw new NoAnswer('an answer with an address of the wrong length');
        return formatAddress(bytes);
      }
      case recordTypes.NS:
      case recordTypes.CNAME:
      case recordTypes.PTR:
        return this.name();
      case recordTypes.MX:
        return `${this.uint16()} ${this.name()}`;
      case recordTypes.SRV:
        return `${this.uint16()} ${this.uint16()} ${this.uint16()} ${this.name()}`;
      case recordTypes.SOA:
        return [this.name(), this.name(), ...[0, 0, 0, 0, 0].map(this.uint32)].join(' ');
      case recordTypes.TXT: {
        const texts: string[] = [];
        while (this.#at < end) texts.push(this.take(this.uint8()).toString());
        return texts.join('');
      }
      default:
        return rest().toString('hex');
    }
  }
}

/** Writes what would be taken for something else, as zone files do: a dot within a label, and what has no picture. */
function shownLabel(label: Buffer): string {
  return Array.from(label, (byte) => {
    const character = String.fromCharCode(byte);
    if (character === '.' || character === '\\') return `\\${character}`;
    return byte > 0x20 && byte < 0x7f ? character : `\\${String(byte).padStart(3, '0')}`;
  }).join('');
}
