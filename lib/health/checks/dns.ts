/** The check by a question to a name server. */
import { randomInt } from 'node:crypto';
import { printable } from '../../values/printable.js';
import { type Check, type CheckContext, CheckFailure, type Finding, passed } from './check.js';
import { type AnswerReader, ask, converse } from './conversation.js';
import {
  type DnsAnswer,
  NoAnswer,
  parseName,
  type Question,
  type RecordType,
  readAnswer,
  recordTypes,
  type ResponseCode,
  responseCodes,
  writeQuestion,
} from './dns/message.js';
import { defineKind, portOption } from './kind.js';

/**
 * The options of a check by the DNS.
 *
 * @example
 * ```ts
 * import type { DnsCheckOptions } from 'tunvs/health';
 *
 * const options: DnsCheckOptions = { name: 'example.org', type: 'A' };
 * console.log(options.type); // A
 * ```
 */
export interface DnsCheckOptions {
  /** The port that is asked, in place of the one that the service has. */
  port?: number;
  /** The name that is asked for. */
  name?: string;
  /** The type of record that is asked for. */
  type?: RecordType;
  /** The code that the answer has to have. */
  code?: ResponseCode;
  /** What the answer has to hold, each the data of a record as in a zone file: '192.0.2.1', '10 mail.example.'. */
  answers?: string[];
  /** How many records of the type the answer has to hold. */
  minAnswers?: number;
  /** Whether the server is asked to ask others. */
  recursion?: boolean;
  /** Whether the question goes by UDP, and by TCP if the answer is truncated, or by TCP at once. */
  transport?: 'udp' | 'tcp';
}

/** How many messages with another id are passed over. */
const MAX_STRANGERS = 100;

type Defaults = 'name' | 'type' | 'code' | 'minAnswers' | 'recursion' | 'transport';

export const dns = defineKind<DnsCheckOptions, Defaults>({
  name: 'dns',
  description: 'Passes when a name server answers a question with the expected code and records.',
  options: {
    port: portOption,
    name: {
      type: 'string',
      what: 'a domain name',
      parse: parseName,
      maxLength: 255,
      default: '.',
      description: 'Sets the name that is asked for.',
    },
    type: {
      type: 'choice',
      choices: Object.keys(recordTypes),
      default: 'SOA',
      description: 'Sets the type of record that is asked for.',
    },
    code: {
      type: 'choice',
      choices: responseCodes,
      default: 'NOERROR',
      description: 'Sets the code that the answer has to have.',
    },
    answers: {
      type: 'list',
      of: { type: 'string', what: 'the data of a record', maxLength: 4096 },
      max: 64,
      description: 'Lists what the answer has to hold, each the data of a record as in a zone file.',
    },
    minAnswers: {
      type: 'integer',
      min: 0,
      max: 1000,
      default: 0,
      description: 'Sets how many records of the type the answer has to hold.',
    },
    recursion: { type: 'boolean', default: true, description: 'Says whether the server is asked to ask others.' },
    transport: {
      type: 'choice',
      choices: ['udp', 'tcp'],
      default: 'udp',
      description: 'Says whether the question goes by UDP, and by TCP if the answer is truncated, or by TCP at once.',
    },
  },
  prepare: (options) => async (context) => {
    const { port, name, type, recursion, transport } = options;
    const question: Question = { name, type, id: randomInt(65_536), isRecursionWanted: recursion };
    try {
      const first = transport === 'udp' ? await askByUdp(context, question, port) : undefined;
      const answer = first && !first.isTruncated ? first : await askByTcp(context, question, port);
      return judged(answer, options);
    } catch (error) {
      if (error instanceof NoAnswer) throw new CheckFailure('wrong answer', error.message);
      throw error;
    }
  },
});

async function askByUdp({ way, signal }: CheckContext, question: Question, port: number | undefined) {
  using datagrams = await way.datagrams(signal, port === undefined ? {} : { port });
  datagrams.send(writeQuestion(question));
  for (let strangers = 0; ; strangers++) {
    try {
      return readAnswer(await datagrams.receive(signal), question);
    } catch (error) {
      if (!(error instanceof NoAnswer) || !error.isOfAnother || strangers === MAX_STRANGERS) throw error;
    }
  }
}

function askByTcp(context: CheckContext, question: Question, port: number | undefined): Promise<DnsAnswer> {
  const message = writeQuestion(question);
  const framed = Buffer.concat([Buffer.of(message.length >> 8, message.length & 255), message]);
  return converse(context, port, async (socket) => {
    const answer = await ask(socket, context.signal, framed, new MessageReader(), () => 'no answer by TCP');
    return readAnswer(answer, question);
  });
}

/** Reads one message, which its length precedes; no more than that is kept. */
class MessageReader implements AnswerReader<Buffer> {
  #got = Buffer.alloc(0);

  take(piece: Buffer): Buffer | undefined {
    this.#got = Buffer.concat([this.#got, piece]);
    if (this.#got.length < 2 || this.#got.length < 2 + this.#got.readUInt16BE()) return undefined;
    return this.#got.subarray(2, 2 + this.#got.readUInt16BE());
  }

  end(): never {
    throw new CheckFailure('closed', 'the connection ended before the answer');
  }
}

type Expected = Required<Pick<DnsCheckOptions, 'code' | 'type' | 'minAnswers'>> & Pick<DnsCheckOptions, 'answers'>;

function judged({ code, records }: DnsAnswer, { code: wanted, type, answers = [], minAnswers }: Expected): Finding {
  if (code !== wanted) throw new CheckFailure('wrong answer', code);
  const data = records.filter((record) => record.type === recordTypes[type]).map((record) => record.data);
  const missing = answers.find((answer) => !data.some((each) => isSameData(each, answer)));
  if (missing !== undefined)
    throw new CheckFailure('wrong answer', `no ${type} ${missing} among ${shownData(data, type)}`);
  if (data.length < minAnswers)
    throw new CheckFailure('wrong answer', `${counted(data.length, type)} of at least ${minAnswers}`);
  return passed(`${code}, ${counted(data.length, type)}`);
}

const counted = (count: number, type: string) => `${count} ${count === 1 ? 'record' : 'records'} ${type}`;

/** Names are the same in any case, with or without their last dot. */
const isSameData = (left: string, right: string) => plain(left) === plain(right);
const plain = (data: string) => data.toLowerCase().replace(/\.$/, '');

function shownData(data: readonly string[], type: string): string {
  const SHOWN = 3;
  if (data.length === 0) return counted(0, type);
  const first = data.slice(0, SHOWN).map((each) => printable(each.slice(0, 80)));
  return `${counted(data.length, type)}: ${first.join(', ')}${data.length > SHOWN ? ', ...' : ''}`;
}

/**
 * Makes a check that asks a name server, and passes when the answer has the code and the records that are expected.
 *
 * @example
 * ```ts
 * import { dnsCheck } from 'tunvs/health';
 *
 * const check = dnsCheck({ name: 'example.org', type: 'A', minAnswers: 1 });
 * console.log(check.kind); // dns
 * ```
 */
export const dnsCheck = (options: DnsCheckOptions = {}): Check => dns.make(options);
