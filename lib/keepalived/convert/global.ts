/** What `global_defs` says of the director, and of scripts and news. */
import { MAX_TIMEOUT_SECONDS } from '../../values/timeouts.js';
import type { Statement } from '../language/statements.js';
import { Fields } from './fields.js';
import { each, integerOf, last, type Values } from './values.js';

const TIMEOUTS: Readonly<Record<string, string>> = { tcp: 'tcp', tcpfin: 'tcpFin', udp: 'udp' };

/** All blocks count as one. */
export function globalBlock(statements: readonly Statement[]): Statement[] {
  return each(statements, 'global_defs').flatMap(({ block = [] }) => block);
}

export function timeoutsOf(block: readonly Statement[], values: Values): Fields | undefined {
  const statement = last(block, 'lvs_timeouts');
  if (statement === undefined) return undefined;
  const { words, place } = statement;
  const fields = new Fields(place);
  if (words.length === 0) values.refuse(statement, undefined, 'lvs_timeouts tcp SECONDS tcpfin SECONDS udp SECONDS');
  for (let at = 0; at < words.length; at += 2) {
    const [name = '', given] = words.slice(at, at + 2);
    const field = Object.hasOwn(TIMEOUTS, name) ? TIMEOUTS[name] : undefined;
    const seconds = integerOf(given ?? '');
    if (field === undefined) values.refuse(statement, name, 'tcp, tcpfin or udp, each with seconds behind it');
    else if (seconds === undefined || seconds < 1 || seconds > MAX_TIMEOUT_SECONDS)
      values.refuse(statement, `${name} ${given ?? ''}`, `${name} with seconds from 1 to ${MAX_TIMEOUT_SECONDS}`);
    else fields.set(field, seconds);
  }
  return fields.isEmpty ? undefined : fields;
}

/** Where news of all services goes. */
export function newsOf(block: readonly Statement[], values: Values): Fields | undefined {
  const fifo = last(block, 'lvs_notify_fifo') ?? last(block, 'notify_fifo');
  const initial = last(block, 'rs_init_notifies');
  // A user and a group may stand behind the name.
  const path = fifo && (fifo.words[0] ?? values.refuse(fifo, undefined, 'the name of a pipe'));
  const notify = new Fields(fifo?.place ?? initial?.place ?? { file: '', line: 1 })
    .set('fifo', path, fifo?.place)
    .set('initial', initial && true, initial?.place);
  return notify.isEmpty ? undefined : notify;
}
