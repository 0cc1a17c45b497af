/** The upper part of the screen: the director as a whole. */
import { FAST_PATH_UNASKED } from '../../values/fast-path.js';
import type { Status } from '../../daemon/status.js';
import { type Line, line, type Span, span, type Style, wrapText } from '../../demo/styled-line.js';
import { fleetParts } from './fleet.js';
import { count } from '../words.js';
import { duration, grouped, measured, percent, short } from './figures.js';

const LABEL = 9;

/** Puts a label before the first of the lines. */
function labelled(label: string, rows: Line[]): Line[] {
  return rows.map((row, at) => line(span((at === 0 ? label : '').padEnd(LABEL), 'dim'), ...row));
}

/** Puts parts into lines of at most `columns`, with two columns between them. */
function flowed(label: string, parts: readonly Span[], columns: number): Line[] {
  const rows: Span[][] = [[]];
  let used = LABEL;
  for (const part of parts) {
    const isFirst = rows.at(-1)?.length === 0;
    if (!isFirst && used + 2 + part.text.length > columns) {
      rows.push([]);
      used = LABEL;
    }
    const row = rows.at(-1) as Span[];
    if (row.length > 0) {
      row.push(span('  '));
      used += 2;
    }
    row.push(part);
    used += part.text.length;
  }
  return labelled(label, rows);
}

export function overview(status: Status, columns: number): Line[] {
  const { name, version, role, upMs, workers, sources, markDevices, heldBack } = status;
  return [
    line(
      span(`tunvs ${version}`, 'bold'),
      '  ',
      span(name, 'accent'),
      '  ',
      span(role),
      `  up ${duration(upMs)}  pid ${status.pid}`,
    ),
    ...flowed('device', devices(status), columns),
    ...flowed(
      'marks',
      markDevices.map((each) => span(`${each.name} mark ${each.mark}`)),
      columns,
    ).slice(markDevices.length === 0 ? 1 : 0),
    ...(heldBack.length > 0 ? flowed('held', [heldPart(heldBack)], columns) : []),
    ...flowed(
      'sources',
      sources.map((each) => span(each)),
      columns,
    ),
    ...(status.fleet ? flowed('fleet', fleetParts(status.fleet, status.atMs), columns) : []),
    ...(status.state ? flowed('state', stateParts(status.state), columns) : []),
    ...(status.host ? flowed('host', hostParts(status.host), columns) : []),
    ...flowed('table', tableParts(status), columns),
    ...flowed('traffic', rateParts(status), columns),
    ...(workers.length === 0
      ? []
      : flowed(
          'workers',
          workers.map((share) => span(percent(share), load(share))),
          columns,
        )),
    ...flowed('drops', dropParts(status), columns),
    ...healthRows(status, columns),
  ];
}

function devices({ device }: Status): Span[] {
  if (device === undefined) return [span('none: the director is offline', 'warning')];
  return [
    span(device.name),
    span(`egress ${device.egress}`),
    span(`offloads ${device.offloads.join(', ') || 'off'}`),
    ...fastPathSpans(device),
    ...device.rings.map(ringSpan),
    ...(device.steering === 'none' ? [] : [span(`steered by ${device.steering}`)]),
    ...(device.attached ? [span('there before')] : []),
  ];
}

function heldPart(heldBack: readonly string[]): Span {
  const [first = ''] = heldBack;
  const addresses = heldBack.length === 1 ? first : `${grouped(heldBack.length)} addresses`;
  return span(`this host has no route of ${addresses}`, 'warning');
}

function stateParts({ folder, connections, templates, ended, reason }: NonNullable<Status['state']>): Span[] {
  if (reason !== '') return [span(folder), span(`begun anew: ${reason}`, 'warning')];
  return [
    span(folder),
    span(`${count(connections, 'connection')} taken over`),
    ...(templates === 0 ? [] : [span(count(templates, 'template'))]),
    ...(ended === 0 ? [] : [span(`${ended} ended`, 'warning')]),
  ];
}

function fastPathSpans({ fastPath, fastPathAt, fastPathReason }: NonNullable<Status['device']>): Span[] {
  const at = fastPath ? `fast path on (${fastPathAt.join(', ')})` : 'fast path off';
  // Nobody has asked for it, or all is well.
  if (fastPathReason === '' || fastPathReason === FAST_PATH_UNASKED) return [span(at)];
  return [span(`${at}: ${fastPathReason}`, 'warning')];
}

function ringSpan({
  device,
  isTaking,
  reason,
  prefixes,
  dropped,
}: NonNullable<Status['device']>['rings'][number]): Span {
  const lost = dropped === 0 ? '' : `, ${count(dropped, 'packet')} lost`;
  const text = `ring ${device} (${prefixes === 1 ? '1 address' : `${grouped(prefixes)} addresses`}${lost})`;
  return reason === ''
    ? span(text, dropped === 0 ? 'plain' : 'warning')
    : span(`${text}: ${reason}`, isTaking ? 'warning' : 'bad');
}

function hostParts({ mended, contested }: { mended: number; contested: number }): Span[] {
  if (mended === 0 && contested === 0) return [span('as it was set up', 'good')];
  return [
    span(`${count(mended, 'thing')} put back`, mended > 0 ? 'warning' : 'plain'),
    ...(contested > 0 ? [span(`left alone ${count(contested, 'time')}, because somebody takes it away`, 'bad')] : []),
  ];
}

const load = (share: number): Style => (share > 0.95 ? 'bad' : share > 0.8 ? 'warning' : 'plain');

function tableParts({ table }: Status): Span[] {
  const family = (name: string, connections: number) =>
    span(
      `${name} ${grouped(connections)} (${percent(connections / table.capacity)})`,
      load(connections / table.capacity),
    );
  const share = table.residentBytes > 0 ? table.hugeBytes / table.residentBytes : 0;
  const evicted = `${grouped(table.evicted)} gave way${table.evictedPerSecond > 0 ? `, ${short(table.evictedPerSecond)}/s` : ''}`;
  return [
    family('IPv4', table.ipv4),
    family('IPv6', table.ipv6),
    span(`of ${grouped(table.capacity)} each`),
    ...(table.evicted > 0 ? [span(evicted, table.evictedPerSecond > 0 ? 'bad' : 'plain')] : []),
    span(`${measured(table.residentBytes, 'B')}, ${percent(share)} in huge pages`),
  ];
}

function rateParts({ rates }: Status): Span[] {
  return [
    span(`${short(rates.connections)} connections/s`),
    span(`${short(rates.inPackets)} packets/s`),
    span(measured(rates.inBytes * 8, 'bit/s')),
  ];
}

/** As many as an operator looks at. */
const MOST_DROPS = 6;

function dropParts({ drops }: Status): Span[] {
  if (drops.length === 0) return [span('none', 'good')];
  const parts = drops.slice(0, MOST_DROPS).map(({ reason, kind, packets, perSecond }) => {
    const now = perSecond > 0 ? `, ${short(perSecond)}/s` : '';
    const what = kind === 'dropped' ? reason : `not sent: ${reason}`;
    return span(`${what} ${grouped(packets)}${now}`, perSecond > 0 ? 'warning' : 'plain');
  });
  return drops.length > MOST_DROPS ? [...parts, span(`and ${drops.length - MOST_DROPS} more`, 'dim')] : parts;
}

/** As many servers as an operator looks at; tunvs health shows all. */
const MOST_DOWN = 4;

/** As many faults of the director's own host as an operator looks at. */
const MOST_FAULTS = 2;

type Checked = Status['services'][number]['servers'][number]['health'] & {};

/** Nothing where nobody checks. */
function healthRows({ services }: Status, columns: number): Line[] {
  const checked = services.flatMap(({ name, servers }) =>
    servers.flatMap((server) =>
      server.health && server.health.state !== 'unchecked' ? [{ of: name, server, health: server.health }] : [],
    ),
  );
  if (checked.length === 0) return [];
  const down = checked.filter(({ health }) => health.state === 'down' || health.state === 'held');
  const parts = down.slice(0, MOST_DOWN).map(({ of, server, health }) => {
    const why = health.message === undefined ? '' : `: ${printable(health.message)}`;
    return span(`${server.name} of ${of}${why}`, 'bad');
  });
  const more = down.length > MOST_DOWN ? [span(`and ${down.length - MOST_DOWN} more: see tunvs health`, 'dim')] : [];
  const found = checked.map(({ health }) => health);
  const shown = down.length === 0 ? upParts(found) : [...parts, ...more];
  return [...flowed('health', shown, columns), ...faultRows(found, columns)];
}

/** Says how many are up where none is down; a sorry server is none of those that should be. */
function upParts(checked: readonly Checked[]): Span[] {
  const real = checked.filter(({ isSorry }) => !isSorry);
  const among = (state: Checked['state']) => real.filter((each) => each.state === state).length;
  const [starting, kept] = [among('starting'), among('kept')];
  const unchecked = real.filter(({ state, ownFault }) => state === 'up' && ownFault !== undefined).length;
  if (starting + kept + unchecked === 0) return [span(`all ${count(real.length, 'server')} up`, 'good')];
  return [
    span(`${real.length - starting - kept - unchecked} of ${count(real.length, 'server')} up`),
    ...(starting > 0 ? [span(`${starting} starting`, 'warning')] : []),
    ...(unchecked > 0 ? [span(`${unchecked} not checked`, 'warning')] : []),
    ...(kept > 0 ? [span(`${kept} kept, because too many fail at once`, 'bad')] : []),
  ];
}

/** Says once what keeps any number of checks from being made. */
function faultRows(checked: readonly Checked[], columns: number): Line[] {
  const servers = new Map<string, number>();
  for (const { ownFault } of checked)
    if (ownFault !== undefined) servers.set(ownFault, (servers.get(ownFault) ?? 0) + 1);
  const faults = [...servers].sort(([, left], [, right]) => right - left);
  const sentences = faults
    .slice(0, MOST_FAULTS)
    .map(([fault, of]) => `the director's own fault, so ${count(of, 'server')} not checked: ${printable(fault)}`);
  const more = faults.length > MOST_FAULTS ? [`and ${faults.length - MOST_FAULTS} more: see tunvs health`] : [];
  return [...sentences, ...more].flatMap((sentence) =>
    labelled(
      '',
      wrapText(sentence, Math.max(1, columns - LABEL)).map((text) => line(span(text, 'warning'))),
    ),
  );
}

const DAY_MS = 24 * 3_600_000;

/** As many lines of warnings and events as there may be. */
export function news({ warnings, events, atMs: nowMs }: Status, columns: number, most: number): Line[] {
  const time = (atMs: number) => {
    const text = new Date(atMs).toISOString();
    return nowMs - atMs < DAY_MS ? text.slice(11, 19) : text.slice(5, 10);
  };
  const sentences = [
    ...warnings.map((message) => ({ label: 'warning', message, style: 'warning' as Style })),
    ...events.map(({ atMs, message }) => ({ label: time(atMs), message, style: 'plain' as Style })),
  ];
  const lines: Line[] = [];
  for (const [at, { label, message, style }] of sentences.entries()) {
    const rows = wrapText(printable(message), Math.max(1, columns - LABEL)).map((text) => line(span(text, style)));
    const isLast = at === sentences.length - 1;
    if (lines.length + rows.length > most - (isLast ? 0 : 1)) {
      return most > lines.length ? [...lines, line(span(`and ${sentences.length - at} more`, 'dim'))] : lines;
    }
    lines.push(...labelled(label, rows));
  }
  return lines;
}

/** What others wrote may hold what a terminal obeys. */
export function printable(text: string): string {
  return text.replace(/[\p{Control}\p{Bidi_Control}]+/gu, ' ');
}
