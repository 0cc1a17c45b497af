/** A real server: how packets reach it, and how it is checked. */
import { addressFamily, canonicalAddress } from '../../values/inet.js';
import { MAX_INT32 } from '../../values/options.js';
import type { Statement } from '../language/statements.js';
import type { Checked } from './checkers/checker.js';
import { checksOf, isChecker } from './checkers/index.js';
import { Fields } from './fields.js';
import { changesPorts, methodFields, usualMethod } from './method.js';
import type { Scripts } from './scripts.js';
import type { TrackedFiles } from './tracked-files.js';
import { last, type Values } from './values.js';

export interface Converting {
  values: Values;
  scripts: Scripts;
  tracked: TrackedFiles;
}

/** A real server before it is known what all of them have in common. */
export interface Server {
  address: string;
  weight: number;
  /** Without `health`. */
  fields: Fields;
  checks: Checked[];
  hasChecker: boolean;
  inhibit: { value: boolean; statement: Statement | undefined };
  notify: Fields;
}

/** `ports` are those of the services; with 0 a packet keeps its own. Returns undefined where it cannot be made, which is said. */
export function serverOf(
  statement: Statement,
  owner: Statement,
  ports: readonly number[],
  converting: Converting,
): Server | undefined {
  const [port = 0, ...others] = ports;
  const { values, scripts } = converting;
  const { block, place } = statement;
  const end = endpoint(statement, values);
  if (end === undefined) return undefined;
  const method = methodOf(statement, owner, values);
  const weight = last(block, 'weight') ?? last(owner.block, 'weight');
  const upper = last(block, 'uthreshold');
  const lower = last(block, 'lthreshold');
  const fields = new Fields(place)
    .set('address', end.address)
    .add(method ?? new Fields(place))
    .set('weight', values.integer(weight, 0, MAX_INT32), weight?.place)
    .set('upperThreshold', values.integer(upper, 0, MAX_INT32), upper?.place)
    .set('lowerThreshold', values.integer(lower, 0, MAX_INT32), lower?.place);
  if (end.port !== undefined && method !== undefined) portOf(statement, end.port, ports, { method, fields, values });
  const checkers = (block ?? []).filter(isChecker);
  const checks = checksOf(checkers, [owner.block, block], {
    ...converting,
    address: end.address,
    port: end.port || port,
    usualPort: others.length === 0 ? port : undefined,
  });
  oneWeight(checkers, values);
  const inhibit = last(block, 'inhibit_on_failure') ?? last(owner.block, 'inhibit_on_failure');
  const [up, down] = [last(block, 'notify_up'), last(block, 'notify_down')];
  const notify = new Fields((up ?? down ?? statement).place)
    .set('up', scripts.command(up), up?.place)
    .set('down', scripts.command(down), down?.place);
  if (checkers.length === 0)
    for (const script of [up, down])
      if (script !== undefined)
        values.said.warning(script.place, `${script.keyword} never runs`, 'give the server a checker');
  return {
    address: end.address,
    weight: (fields.get('weight') as number | undefined) ?? 1,
    fields,
    checks,
    hasChecker: checkers.length > 0,
    inhibit: { value: values.boolean(inhibit) ?? false, statement: inhibit },
    notify,
  };
}

/** Exit codes of several programs are not added up here. */
function oneWeight(checkers: readonly Statement[], values: Values): void {
  const dynamic = checkers.flatMap(
    ({ keyword, block }) => (keyword === 'MISC_CHECK' && last(block, 'misc_dynamic')) || [],
  );
  for (const { place } of dynamic.filter((each) => values.boolean(each)).slice(1))
    values.said.warning(
      place,
      'of several weights by misc_dynamic the least counts, where keepalived adds up how they differ',
      'let one program say the weight',
    );
}

/** A sorry server is not checked. */
export function sorryServerOf(
  statement: Statement,
  owner: Statement,
  port: number,
  values: Values,
): Fields | undefined {
  const end = endpoint(statement, values);
  if (end === undefined) return undefined;
  const method = methodOf(statement, owner, values, last(owner.block, 'sorry_server_lvs_method'));
  const fields = new Fields(statement.place).set('address', end.address).add(method ?? new Fields(statement.place));
  if (end.port !== undefined && method !== undefined) portOf(statement, end.port, [port], { method, fields, values });
  return fields;
}

function endpoint(statement: Statement, values: Values): { address: string; port: number | undefined } | undefined {
  const { words, place, keyword } = statement;
  const address = canonicalAddress(words[0] ?? '');
  if (address === undefined || addressFamily(address) === undefined)
    return values.refuse(statement, words[0], `${keyword} ADDRESS PORT`);
  values.only(statement, 2);
  if (words[1] === undefined) return { address, port: undefined };
  const port = values.port(place, words[1]);
  return port === undefined ? undefined : { address, port };
}

function methodOf(statement: Statement, owner: Statement, values: Values, own?: Statement): Fields | undefined {
  const said = own ?? last(statement.block, 'lvs_method') ?? last(owner.block, 'lvs_method', 'lb_kind');
  return said === undefined ? usualMethod(owner.place) : methodFields(said, values);
}

/** NAT alone gives packets another port; with DR and tunnels a packet keeps its own. */
function portOf(
  { keyword, place }: Statement,
  own: number,
  ports: readonly number[],
  { method, fields, values }: { method: Fields; fields: Fields; values: Values },
): void {
  const [port = 0] = ports;
  if (changesPorts(method)) {
    // 0 stands for the packet's own port there, as it does when no port is said.
    if (own !== 0 && (own !== port || ports.length > 1)) fields.set('port', own);
    return;
  }
  if (ports.includes(own)) return;
  const kept = port === 0 ? 'the port of the packet' : `port ${port}`;
  values.said.warning(
    place,
    `${keyword} gets packets at ${kept}, not at port ${own}, because DR and TUN change no port`,
    port === 0 ? 'leave the port out' : `write port ${port}`,
  );
}
