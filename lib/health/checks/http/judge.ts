/** Whether an answer by HTTP is the expected one. */
import { refuse } from '../../../values/options.js';
import { CheckFailure, type Finding, passed } from '../check.js';
import type { Answer, AnswerNeeds } from './answer.js';
import type { HttpValues } from './options.js';
import { compilePattern, testPattern } from './pattern.js';
import { parseStatusRanges } from './status-ranges.js';
import { weightAdvice } from './weight-header.js';

export interface Judge {
  needs: AnswerNeeds;
  /** Throws a CheckFailure when it is not. */
  judge(answer: Answer): Finding;
}

const wrong = (message: string, mend?: string) =>
  new CheckFailure('wrong answer', message, mend === undefined ? {} : { mend });

export function judgeOf(kind: string, values: HttpValues): Judge {
  const { method, contains, lacks, pattern, patternFlags, negatePattern, digest, maxBodyBytes, weightHeader } = values;
  const isStatus = parseStatusRanges(values.status);
  const regexp = pattern === undefined ? undefined : patternOf(kind, pattern, patternFlags);
  const text = contains !== undefined || lacks !== undefined || regexp !== undefined;
  const needsBody = text || digest !== undefined;
  return {
    needs: {
      maxBytes: maxBodyBytes,
      text,
      digest: digest !== undefined,
      wantsBody: (status) => needsBody && isStatus(status),
      isHead: method === 'HEAD',
    },
    judge: ({ status, headers, body }) => {
      if (!isStatus(status)) throw wrong(`status ${status}`);
      if (text) judgeText(body.text(), body.isCut ? `within ${maxBodyBytes} bytes` : '');
      if (digest !== undefined) {
        const raise = 'Raise maxBodyBytes.';
        if (body.isCut) throw wrong(`status ${status}, but the body is longer than ${maxBodyBytes} bytes`, raise);
        const found = body.digest();
        if (found !== digest.toLowerCase()) throw wrong(`status ${status}, but the digest of the body is ${found}`);
      }
      const name = weightHeader?.toLowerCase();
      return passed(`status ${status}`, name === undefined ? {} : weightAdvice(name, headers.get(name)));
    },
  };

  function judgeText(found: string, within: string): void {
    const said = (what: string) => wrong(`the body ${what}${within && ` ${within}`}`);
    if (contains !== undefined && !found.includes(contains)) throw said(`does not contain ${quoted(contains)}`);
    if (lacks !== undefined && found.includes(lacks)) throw said(`contains ${quoted(lacks)}`);
    if (regexp === undefined || testPattern(regexp, found) !== negatePattern) return;
    throw said(`${negatePattern ? 'matches' : 'does not match'} ${regexp}`);
  }
}

/** The flags may make a mistake of what was none. */
function patternOf(kind: string, pattern: string, flags: string): RegExp {
  try {
    return compilePattern(pattern, flags);
  } catch (error) {
    return refuse(`${kind}: pattern`, pattern, 'a regular expression', (error as Error).message);
  }
}

const quoted = (text: string) => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);
