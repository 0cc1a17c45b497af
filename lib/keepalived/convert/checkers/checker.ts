/** What all checkers have: their place among the blocks, and the check that they become. */
import type { Statement } from '../../language/statements.js';
import { Fields } from '../fields.js';
import type { Scripts } from '../scripts.js';
import type { Timing, TimingDefaults } from '../timing.js';
import type { TrackedFiles } from '../tracked-files.js';
import { last, type Values } from '../values.js';

/** A check of a list of the configuration, before what all checks have in common is put together. */
export interface Checked {
  check: Fields;
  timing: Fields;
}

/** What a checker is made with. */
export interface CheckerContext {
  values: Values;
  scripts: Scripts;
  tracked: TrackedFiles;
  /** The real server: its address, and the port that checks ask unless they say another. */
  address: string;
  port: number;
  /** The port that a check without one asks; undefined where services of different ports share it. */
  usualPort: number | undefined;
  /** The value that is the nearest: of the checker, its real server, or its virtual server. */
  nearest(keyword: string): Statement | undefined;
  /** The timing of a part of the checker, whose own values are nearer still. */
  timingIn(part: Statement): Timing;
}

export interface CheckerKind {
  timing: TimingDefaults;
  /** Returns nothing where it cannot be made, which is said. */
  make(checker: Statement, timing: Timing, context: CheckerContext): Checked[];
}

/** The options of a check by connection: `connect_ip` is the real server, and the port stands where it is another. */
export function connection(
  block: readonly Statement[] | undefined,
  owner: Statement,
  { values, address, port, usualPort }: CheckerContext,
): Fields {
  const to = last(block, 'connect_ip');
  const connected = values.word(to, "the real server's address");
  if (to !== undefined && connected !== undefined && connected !== address)
    values.said.mistake(to.place, `connect_ip ${connected} is not the real server`, 'check the real server itself');
  const statement = last(block, 'connect_port');
  const wanted = values.integer(statement, 1, 65535) ?? port;
  const fields = new Fields(owner.place);
  if (wanted === 0) values.said.mistake(owner.place, `${owner.keyword} has no port to ask`, 'write connect_port');
  return fields.set('port', wanted === usualPort || wanted === 0 ? undefined : wanted, statement?.place);
}

/** A check as the configuration writes it: its kind with its options. */
export function checkOf(kind: string, options: Fields): Fields {
  return new Fields(options.place).set(kind, options);
}
