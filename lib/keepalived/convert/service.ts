/** A virtual server becomes a service for each thing that it listens on. */
import { schedulers, schedulerFlagsOf, type SchedulerFlag } from '../../values/scheduler.js';
import { persistenceEngines } from '../../values/persistence.js';
import { MAX_TIMEOUT_SECONDS } from '../../values/timeouts.js';
import type { Statement } from '../language/statements.js';
import { Fields } from './fields.js';
import { familyOf, type Groups, type Listen } from './listen.js';
import { type Converting, type Server, serverOf, sorryServerOf } from './server.js';
import { serviceHealth } from './service-health.js';
import type { Size } from './size.js';
import { each, last, type Values } from './values.js';

const FLAGS = ['flag-1', 'flag-2', 'flag-3', 'sh-port', 'sh-fallback', 'mh-port', 'mh-fallback'] as const;
const USUAL_PERSISTENCE_SECONDS = 360;

export function servicesOf(statement: Statement, groups: Groups, converting: Converting & { size: Size }): Fields[] {
  const { values, scripts, size } = converting;
  const listens = groups.of(statement);
  if (listens.length === 0) return [];
  const reals = each(statement.block, 'real_server');
  if (reals.length === 0) {
    values.said.warning(statement.place, 'the virtual server has no real_server and is left out', 'add one');
    return [];
  }
  size.services(statement.place, listens.length, reals.length);
  const ports = [...new Set(listens.map((listen) => ('port' in listen ? listen.port : 0)))];
  const servers = reals.flatMap((real) => serverOf(real, statement, ports, converting) ?? []);
  const health = serviceHealth(statement, servers, values, scripts);
  const sorry = sorryServers(statement, ports[0] ?? 0, values);
  const settings = settingsOf(statement, values);
  const protocol = protocolOf(statement, listens, values);
  return listens.map((listen) => {
    const service = named(listen, protocol, servers, statement, values).add(settings);
    const own = persistenceOf(statement, listen, values);
    return service
      .set('persistence', own, own?.place)
      .set('health', health)
      .set(
        'servers',
        servers.map(({ fields }) => fields),
      )
      .set('sorryServers', sorry.length > 0 ? sorry : undefined);
  });
}

function sorryServers(statement: Statement, port: number, values: Values): Fields[] {
  const sorry = last(statement.block, 'sorry_server');
  const server = sorry && sorryServerOf(sorry, statement, port, values);
  return server === undefined ? [] : [server];
}

function protocolOf(statement: Statement, listens: readonly Listen[], values: Values): string | undefined {
  const said = last(statement.block, 'protocol');
  if (listens.every((listen) => 'mark' in listen)) {
    if (said !== undefined && statement.words[0] === 'fwmark')
      values.said.warning(said.place, 'a firewall mark has no protocol', 'leave it out');
    return undefined;
  }
  if (said === undefined) {
    values.said.warning(statement.place, 'no protocol is said, which means UDP', 'write protocol TCP or protocol UDP');
    return 'udp';
  }
  const lower = { ...said, words: said.words.map((word) => word.toLowerCase()) };
  return values.choice(lower, ['tcp', 'udp', 'sctp']) ?? 'tcp';
}

function named(
  listen: Listen,
  protocol: string | undefined,
  servers: readonly Server[],
  { block }: Statement,
  values: Values,
): Fields {
  const fields = new Fields(listen.place);
  if (!('mark' in listen))
    return fields
      .set('protocol', protocol, last(block, 'protocol')?.place)
      .set('address', listen.address)
      .set('port', listen.port);
  const said = last(block, 'ip_family');
  const chosen = values.choice(said, ['inet', 'inet6']);
  const family =
    listen.family ?? (chosen && (chosen === 'inet6' ? 6 : 4)) ?? familyOf(servers.map((each) => each.address));
  return fields.set('mark', listen.mark).set('family', family === 6 ? 6 : undefined, said?.place);
}

function settingsOf({ block, place }: Statement, values: Values): Fields {
  const said = last(block, 'lvs_sched', 'lb_algo');
  const scheduler = values.choice(said, schedulers) ?? 'wlc';
  const known = schedulerFlagsOf(scheduler);
  const flags = each(block, ...FLAGS).flatMap((flag): SchedulerFlag[] => {
    const name = flag.keyword as SchedulerFlag;
    if (known.includes(name)) return [name];
    values.said.mistake(flag.place, `${name} does not go with the scheduler ${scheduler}`, 'leave it out');
    return [];
  });
  const ops = last(block, 'ops');
  return new Fields(place)
    .set('scheduler', scheduler, said?.place)
    .set('schedulerFlags', flags.length > 0 ? [...new Set(flags)] : undefined, last(block, ...FLAGS)?.place)
    .set('onePacket', ops && true, ops?.place);
}

/** A service of all ports is persistent in any case. */
function persistenceOf({ block }: Statement, listen: Listen, values: Values): Fields | undefined {
  const timeout = last(block, 'persistence_timeout');
  const engine = last(block, 'persistence_engine');
  const mask = last(block, 'persistence_granularity');
  const isOfAllPorts = 'port' in listen && listen.port === 0;
  const [said] = [timeout, engine, mask].filter((each) => each !== undefined);
  if (said === undefined && !isOfAllPorts) return undefined;
  if (said === undefined)
    values.said.warning(
      listen.place,
      'a service of all ports has to be persistent, and is made so',
      'write persistence_timeout',
    );
  const seconds =
    timeout === undefined || timeout.words.length === 0
      ? USUAL_PERSISTENCE_SECONDS
      : values.integer(timeout, 1, MAX_TIMEOUT_SECONDS);
  const netmask = values.word(mask, 'a netmask, as in 255.255.255.0, or a prefix length');
  return new Fields(said?.place ?? listen.place)
    .set('timeoutSeconds', seconds, timeout?.place)
    .set('netmask', netmask !== undefined && /^\d{1,3}$/.test(netmask) ? Number(netmask) : netmask, mask?.place)
    .set('engine', values.choice(engine, persistenceEngines), engine?.place);
}
