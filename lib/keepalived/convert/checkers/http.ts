/** HTTP_GET and SSL_GET: each `url` is a check of its own. */
import type { Statement } from '../../language/statements.js';
import { quotedWords } from '../../language/words.js';
import type { Fields } from '../fields.js';
import { each, last, type Values } from '../values.js';
import { type CheckerContext, type CheckerKind, checkOf, connection } from './checker.js';

/** The options of regular expressions that JavaScript has, with its letters for them. */
const FLAGS: Readonly<Record<string, string>> = {
  caseless: 'i',
  dotall: 's',
  multiline: 'm',
  utf: 'u',
  ucp: 'u',
};
/** keepalived reads the whole body; this is the most that a check looks at. */
const WHOLE_BODY = 16 * 2 ** 20;

function kind(isTls: boolean): CheckerKind {
  return {
    timing: { retries: 1, retryDelayMs: 3000, timeout: 'connect_timeout' },
    make(checker, { fields }, context) {
      const urls = each(checker.block, 'url');
      if (urls.length === 0)
        context.values.said.mistake(checker.place, `${checker.keyword} has no url`, 'write url { path / }');
      const spoken = last(checker.block, 'http_protocol');
      const version = context.values.choice(spoken, ['1.0', '1.0C', '1.1']) ?? '1.0';
      return urls.flatMap((url) => {
        const options = connection(checker.block, checker, context).set('version', version.slice(0, 3), spoken?.place);
        if (version === '1.0C') options.set('headers', { Connection: 'close' }, spoken?.place);
        if (urlOptions(url, options, context) === undefined) return [];
        if (isTls) tls(checker, options, context.values);
        return [{ check: checkOf(isTls ? 'https' : 'http', options), timing: fields }];
      });
    },
  };
}

export const HTTP_GET = kind(false);
export const SSL_GET = kind(true);

function urlOptions(url: Statement, options: Fields, { values, nearest }: CheckerContext): Fields | undefined {
  const path = last(url.block, 'path');
  const said = values.word(path, 'a path, as in /');
  if (said === undefined) {
    if (path === undefined) values.said.mistake(url.place, 'the url has no path', 'write path /');
    return undefined;
  }
  const host = last(url.block, 'virtualhost') ?? nearest('virtualhost');
  const status = last(url.block, 'status_code');
  const digest = last(url.block, 'digest');
  options
    .set('path', said.startsWith('/') ? said : `/${said}`, path?.place)
    .set('host', values.word(host, 'the name of a host'), host?.place)
    .set('status', statusOf(status, values) ?? '200-299', status?.place)
    .set('digest', digestOf(digest, values), digest?.place);
  if (digest !== undefined || last(url.block, 'regex') !== undefined) options.set('maxBodyBytes', WHOLE_BODY);
  return regex(url, options, values);
}

function statusOf(statement: Statement | undefined, values: Values): string | undefined {
  if (statement === undefined) return undefined;
  const expected = 'status codes from 100 to 599, as in 200-299 301';
  if (statement.words.length === 0) return values.refuse(statement, undefined, expected);
  for (const word of statement.words) {
    const [, first, end = first] = /^(\d{3})(?:-(\d{3}))?$/.exec(word) ?? [];
    if (first === undefined || Number(first) < 100 || Number(end) > 599 || Number(first) > Number(end))
      return values.refuse(statement, word, expected);
  }
  return statement.words.join(',');
}

function digestOf(statement: Statement | undefined, values: Values): string | undefined {
  const digest = values.word(statement, 'an MD5 sum');
  if (statement === undefined || digest === undefined) return undefined;
  return /^[0-9A-Fa-f]{32}$/.test(digest)
    ? digest.toLowerCase()
    : values.refuse(statement, digest, 'an MD5 sum of 32 digits, as genhash prints it');
}

function regex(url: Statement, options: Fields, values: Values): Fields | undefined {
  const statement = last(url.block, 'regex');
  if (statement === undefined) return options;
  // keepalived takes backslashes for its own first, so that a digit is \\d there.
  const [pattern, ...more] = quotedWords(statement.raw).words;
  if (pattern === undefined || more.length > 0)
    return values.refuse(statement, more[0], 'a regular expression, in quotes if it has blanks');
  const chosen = each(url.block, 'regex_options').flatMap((line) =>
    line.words.map((word) => ({ word, place: line.place })),
  );
  for (const { word, place } of chosen)
    if (!Object.hasOwn(FLAGS, word)) values.said.mistake(place, `regex_options ${word} is not done`, 'leave it out');
  const flags = [...new Set(chosen.flatMap(({ word }) => FLAGS[word] ?? []))].sort().join('');
  try {
    new RegExp(pattern, flags);
  } catch (error) {
    values.said.mistake(
      statement.place,
      (error as Error).message.replace(/:/g, ','),
      'write it as JavaScript takes it',
    );
    return undefined;
  }
  const isNot = last(url.block, 'regex_no_match');
  return options
    .set('pattern', pattern, statement.place)
    .set('patternFlags', flags === '' ? undefined : flags, chosen[0]?.place)
    .set('negatePattern', isNot && true, isNot?.place);
}

function tls({ block }: Statement, options: Fields, values: Values): void {
  const sni = last(block, 'enable_sni');
  const name = last(block, 'sni_name');
  const isNamed = values.boolean(sni) ?? false;
  options
    .set(
      'serverName',
      values.word(name, 'the name of a host') ?? (isNamed ? options.get('host') : undefined),
      name?.place ?? sni?.place,
    )
    .set('verify', false);
}
