/** What `tunvs fleet` prints: a line for each director, and what is odd about it. */
import type { FleetView, MemberView } from '../../fleet/overview.js';
import { ageText } from '../run/fleet-words.js';
import { count } from '../words.js';

const HEAD = ['DIRECTOR', 'ROLE', 'VERSION', 'REVISION', 'FINGERPRINT', 'SERVERS', 'CONNECTIONS', 'UP FOR', ''];

export function fleetLines(view: FleetView, nowMs: number): string[] {
  const { prefix, directors, unread } = view;
  const there = directors.filter(({ state }) => state !== undefined).length;
  const many = directors.filter(({ disagrees }) => disagrees).length;
  const agreed =
    there < 2 ? '' : many === 0 ? ', which agree' : `, ${many} of which ${many === 1 ? 'disagrees' : 'disagree'}`;
  const title = `${prefix}: ${count(there, 'director')}${agreed}`;
  if (directors.length === 0) return [title];
  const rows = [HEAD, ...directors.map((each) => rowOf(each, nowMs))];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  return [
    title,
    ...rows.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] as number))
        .join('  ')
        .trimEnd(),
    ),
    ...unread.map((key) => `warning: ${key} holds no state of a director: delete it`),
  ];
}

function rowOf({ member, state, disagrees, drain }: MemberView, nowMs: number): string[] {
  const drained =
    drain && (drain.sinceMs > 0 ? `to be drained for ${ageText(nowMs - drain.sinceMs)}` : 'to be drained');
  if (state === undefined)
    return [member, '-', '-', '-', '-', '-', '-', '-', ['away', drained].filter(Boolean).join(', ')];
  const {
    probedServices = 0,
    version,
    revision,
    fingerprint,
    from,
    refused,
    role = '-',
    servers,
    serversUp,
    connections,
    startedAtMs,
  } = state;
  const said = [
    disagrees && 'disagrees',
    from === 'cache' && 'by its cache',
    probedServices > 0 && `checks ${count(probedServices, 'service')}`,
    drained && role === 'active' ? `${drained}, and active all the same` : drained,
    refused !== undefined && `refuses what etcd holds: ${refused}`,
  ];
  return [
    ...[member, role, version, `${revision}`, fingerprint, `${serversUp}/${servers} up`, `${connections}`],
    ...[ageText(nowMs - startedAtMs), said.filter((each) => typeof each === 'string').join(', ')],
  ];
}
