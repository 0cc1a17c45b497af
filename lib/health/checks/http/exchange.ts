/** One request and its answer, by the version that the options say. */
import type { Duplex } from 'node:stream';
import type { CheckContext } from '../check.js';
import { ask } from '../conversation.js';
import type { Answer, AnswerNeeds } from './answer.js';
import { AnswerParser } from './answer-parser.js';
import { askH2 } from './h2.js';
import type { HttpValues } from './options.js';
import { requestBytes, requestOf } from './request.js';

export type Exchange = (stream: Duplex, context: CheckContext) => Promise<Answer>;

export function exchangeOf(kind: 'http' | 'https', values: HttpValues, needs: AnswerNeeds): Exchange {
  const request = requestOf(kind, values, kind === 'https' ? 443 : 80);
  const { version } = values;
  return async (stream, { way, signal }) => {
    const asked = request(way.address, values.port ?? way.port);
    if (version === '2') return askH2(stream, signal, kind, asked, needs);
    const parser = new AnswerParser(needs);
    return ask(stream, signal, requestBytes(asked, version), parser, () => parser.progress());
  };
}
