/** What a configuration changes of health, in the words of the file. */
import { isDeepStrictEqual } from 'node:util';
import { checkedServiceKey, serviceName } from '../../values/service-key.js';
import { isSecretOfHealth } from '../check-options.js';
import { asWritten } from '../written.js';
import type { Desired, DesiredService } from './desired.js';
import { type PlannedChange, word } from './planned-changes.js';

type Written = Readonly<Record<string, unknown>>;

/** The monitor takes these once. */
const ONCE = ['atOnce', 'notify', 'onStandby'] as const;

export function healthChanges(before: Desired | undefined, after: Desired): PlannedChange[] {
  const old = new Map(before?.services.map((service) => [nameOf(service), service]));
  return [
    ...restarts(before, after),
    ...after.services.flatMap((service) => serviceChanges(old.get(nameOf(service)), service)),
  ];
}

const nameOf = ({ key }: DesiredService) => serviceName(checkedServiceKey('service', key));

function restarts(before: Desired | undefined, after: Desired): PlannedChange[] {
  // A monitor is made when the first service is checked.
  if (!before?.services.some(({ health }) => health)) return [];
  const [old, next] = [before.health ?? {}, after.health ?? {}].map((health) => written(health, ['health'])) as [
    Written,
    Written,
  ];
  return ONCE.filter((name) => !isDeepStrictEqual(old[name], next[name])).map((field) => ({
    ...{ change: 'restart', what: 'option', name: `health.${field}` },
    ...{ before: { [field]: old[field] }, after: { [field]: next[field] } },
    sentence: `health.${field} needs a restart: it stays as it is until then`,
  }));
}

function serviceChanges(before: DesiredService | undefined, after: DesiredService): PlannedChange[] {
  const service = nameOf(after);
  const path = ['services', 0, 'health'];
  const [old, next] = [before?.health, after.health].map((health) => health && written(health, path));
  const servers = next === undefined ? [] : serverChanges(before, after, service);
  const of = { change: 'edited', what: 'health', service } as const;
  return [...difference(of, `service ${service}: health`, old, next), ...servers];
}

function serverChanges(before: DesiredService | undefined, after: DesiredService, service: string): PlannedChange[] {
  const old = new Map(before?.servers.map((server) => [serverText(server), healthText(server)]));
  return after.servers.flatMap((server) => {
    const name = serverText(server);
    const of = { change: 'edited', what: 'health', service, name } as const;
    const title = `service ${service}: server ${name}: health`;
    return difference(of, title, old.get(name), healthText(server), 'as the service says');
  });
}

type Server = DesiredService['servers'][number];

const serverText = (server: Server) =>
  'dns' in server
    ? server.dns
    : `${server.options.address}${server.options.port === undefined ? '' : `:${server.options.port}`}`;

function healthText({ health }: Server): Written | false | undefined {
  return health ? written(health, ['services', 0, 'servers', 0, 'health']) : health;
}

function difference(
  of: Pick<PlannedChange, 'change' | 'what' | 'service' | 'name'>,
  title: string,
  old: Written | false | undefined,
  next: Written | false | undefined,
  absent = 'no checks',
): PlannedChange[] {
  if (isDeepStrictEqual(old, next)) return [];
  const whole = (each: Written | false | undefined) =>
    each === undefined ? absent : each === false ? 'no checks' : listed(each);
  const fields = old && next ? changedFields(old, next) : [];
  const parts = fields.map((name) => `${name} ${word((old as Written)[name])} -> ${word((next as Written)[name])}`);
  return [
    {
      ...of,
      ...(old && { before: old }),
      ...(next && { after: next }),
      sentence: `${title}: ${parts.length > 0 ? parts.join(', ') : `${whole(old)} -> ${whole(next)}`}`,
    },
  ];
}

function changedFields(old: Written, next: Written): string[] {
  const names = [...new Set([...Object.keys(old), ...Object.keys(next)])];
  return names.filter((name) => !isDeepStrictEqual(old[name], next[name]));
}

const listed = (fields: Written) =>
  Object.entries(fields)
    .map(([name, value]) => `${name} ${word(value)}`)
    .join(', ');

/** Returns the fields as a file has them; what nobody may read is not among them. */
function written(health: object, path: (string | number)[]): Written {
  return shown(asWritten(health, path), path) as Written;
}

function shown(value: unknown, path: (string | number)[]): unknown {
  if (isSecretOfHealth(path)) return '(secret)';
  if (Array.isArray(value)) return value.map((each, index) => shown(each, [...path, index]));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shown(each, [...path, name])]));
}
