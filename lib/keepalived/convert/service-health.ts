/** The health of a service: what all checks of all servers have in common stands once. */
import type { Statement } from '../language/statements.js';
import type { Checked } from './checkers/checker.js';
import { Fields, isSame, textOf } from './fields.js';
import type { Scripts } from './scripts.js';
import type { Server } from './server.js';
import { each, last, type Values } from './values.js';

const MAX_QUORUM = 2 ** 31 - 1;

/** Returns undefined where no server is checked. Sets `health` of the servers that differ. */
export function serviceHealth(
  owner: Statement,
  servers: readonly Server[],
  values: Values,
  scripts: Scripts,
): Fields | undefined {
  const checked = servers.filter(({ checks }) => checks.length > 0);
  if (checked.length === 0) {
    unused(owner, values);
    return undefined;
  }
  const health = new Fields(owner.place);
  const common = takeCommon(checked.flatMap(({ checks }) => checks.map(({ timing }) => timing)));
  const lists = new Map(checked.map((server) => [server, listOf(server.checks)]));
  const [first] = checked as [Server];
  const usual = mostCommon([...lists.values()]);
  health
    .add(usual)
    .add(common)
    .set('rise', 1)
    .set('fall', 1)
    .set('jitter', 0)
    .set('via', 'address')
    .set('onDown', 'drop');
  const inhibits = checked.every(({ inhibit }) => inhibit.value);
  if (inhibits) health.set('inhibit', true, first.inhibit.statement?.place);
  for (const server of servers) {
    const own = lists.get(server);
    if (own === undefined) {
      server.fields.set('health', false);
      continue;
    }
    const fields = isSame(own, usual) ? new Fields(server.fields.place) : own;
    if (!inhibits && server.inhibit.value) fields.set('inhibit', true, server.inhibit.statement?.place);
    if (!server.notify.isEmpty) fields.set('notify', server.notify);
    if (!fields.isEmpty) server.fields.set('health', fields);
  }
  return quorum(owner, servers, health, values).set('notify', notifications(owner, scripts));
}

/** The service's own list is the one that most of the servers have; the others stand at their servers. */
function mostCommon(lists: readonly Fields[]): Fields {
  const counts = new Map<string, { list: Fields; count: number }>();
  for (const list of lists) {
    const known = counts.get(textOf(list)) ?? { list, count: 0 };
    known.count++;
    counts.set(textOf(list), known);
  }
  const [most] = [...counts.values()].sort((a, b) => b.count - a.count);
  return (most as { list: Fields }).list;
}

/** Nothing takes a server down that nobody checks. */
function unused({ block }: Statement, { said }: Values): void {
  for (const statement of each(block, 'sorry_server', 'quorum_up', 'quorum_down'))
    said.warning(statement.place, `${statement.keyword} never comes into force`, 'give the real servers a checker');
}

/** Takes out of all what all say alike. */
function takeCommon(timings: readonly Fields[]): Fields {
  const [first] = timings as [Fields];
  const common = new Fields(first.place);
  for (const [name, { value, place }] of first.entries) {
    if (!timings.every((timing) => timing.get(name) === value)) continue;
    common.set(name, value, place);
    for (const timing of timings) timing.delete(name);
  }
  return common;
}

/** One check alone is `check`, with its timing beside it. */
function listOf(checks: readonly Checked[]): Fields {
  const [first] = checks as [Checked];
  if (checks.length === 1) return new Fields(first.check.place).set('check', first.check).add(first.timing);
  const list = checks.map(({ check, timing }) => new Fields(check.place).set('check', check).add(timing));
  return new Fields(first.check.place).set('checks', list);
}

/** keepalived bounds what it is given in the same way, and says so. */
function quorum(owner: Statement, servers: readonly Server[], health: Fields, values: Values): Fields {
  const statement = last(owner.block, 'quorum');
  const slack = last(owner.block, 'hysteresis');
  const all = servers.reduce((sum, { weight }) => sum + weight, 0);
  let least = values.integer(statement, 1, MAX_QUORUM) ?? 1;
  if (statement !== undefined && least > all && all > 0) {
    values.said.warning(
      statement.place,
      `the quorum is more than the ${all} that all servers weigh, and counts as that`,
      'write less',
    );
    least = all;
  }
  let hysteresis = values.integer(slack, 0, MAX_QUORUM);
  if (slack !== undefined && hysteresis !== undefined && hysteresis >= least) {
    values.said.warning(
      slack.place,
      `the hysteresis is not less than the quorum, and counts as ${least - 1}`,
      'write less',
    );
    hysteresis = least - 1;
  }
  return health
    .set('quorum', statement && least, statement?.place)
    .set('hysteresis', hysteresis, slack?.place)
    .set('inhibitSorry', values.boolean(last(owner.block, 'sorry_server_inhibit')) || undefined)
    .set('omega', values.boolean(last(owner.block, 'omega')) || undefined, last(owner.block, 'omega')?.place);
}

function notifications(owner: Statement, scripts: Scripts): Fields | undefined {
  const [up, down] = [last(owner.block, 'quorum_up'), last(owner.block, 'quorum_down')];
  const notify = new Fields((up ?? down ?? owner).place)
    .set('quorumUp', scripts.command(up), up?.place)
    .set('quorumDown', scripts.command(down), down?.place);
  return notify.isEmpty ? undefined : notify;
}
