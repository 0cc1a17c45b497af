/** The checkers of keepalived by their names. */
import type { Statement } from '../../language/statements.js';
import { timingOf } from '../timing.js';
import type { Checked, CheckerContext, CheckerKind } from './checker.js';
import { DNS_CHECK } from './dns.js';
import { FILE_CHECK } from './file.js';
import { HTTP_GET, SSL_GET } from './http.js';
import { MISC_CHECK } from './misc.js';
import { PING_CHECK } from './ping.js';
import { SMTP_CHECK } from './smtp.js';
import { TCP_CHECK } from './tcp.js';
import { UDP_CHECK } from './udp.js';

const kinds: Readonly<Record<string, CheckerKind>> = {
  TCP_CHECK,
  HTTP_GET,
  SSL_GET,
  SMTP_CHECK,
  DNS_CHECK,
  MISC_CHECK,
  UDP_CHECK,
  PING_CHECK,
  FILE_CHECK,
};

/** The blocks are those of the virtual server and the real server. */
export function checksOf(
  checkers: readonly Statement[],
  blocks: readonly (readonly Statement[] | undefined)[],
  context: Omit<CheckerContext, 'nearest' | 'timingIn'>,
): Checked[] {
  return checkers.flatMap((checker) => {
    if (!Object.hasOwn(kinds, checker.keyword) || checker.block === undefined) return [];
    const kind = kinds[checker.keyword] as CheckerKind;
    const inside = [...blocks, checker.block];
    const nearest = (keyword: string) =>
      [...inside].reverse().flatMap((block) => block?.findLast((each) => each.keyword === keyword) ?? [])[0];
    const timing = timingOf(checker, inside, kind.timing, context.values);
    const timingIn = (part: Statement) => timingOf(part, [...inside, part.block], kind.timing, context.values);
    return kind.make(checker, timing, { ...context, nearest, timingIn });
  });
}

export const isChecker = ({ keyword }: Statement) => keyword === 'BFD_CHECK' || Object.hasOwn(kinds, keyword);
