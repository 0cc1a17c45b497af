/** Says a spec in rules, as far as rules can say it. */
import { schedulerFlagNumbers } from '../values/scheduler.js';
import { checkedServerKey } from '../values/server-options.js';
import { checkedServiceKey, serverPortOf } from '../values/service-key.js';
import { checkedPersistence } from '../values/persistence.js';
import { DEFAULT_SCHEDULER, type SchedulerFlag, type ServerSettings, type ServiceSettings } from '../rules/command.js';
import type { Rule } from '../rules/parse-rules.js';
import { serverSettings, serviceIdOf } from '../rules/settings.js';
import { serviceKeyOf } from './library-options.js';
import { formatPath, type Path } from './mistake.js';
import type { ServerSpec, ServiceSpec, Spec } from './spec.js';

/** What rules cannot hold. */
export interface Lost {
  path: string;
  why: string;
}

export interface SaidInRules {
  rules: Rule[];
  lost: Lost[];
}

const NO_WORD = 'rules have no word for it';
const SAID = ['timeouts', 'sysctls', 'marks', 'services'];
const UNSAID_OF_SERVICES = [
  'schedulerOptions',
  'timeouts',
  'midStream',
  'slowStart',
  'rescheduleUdp',
  'announce',
  'policy',
  'health',
  'sorryServers',
] as const;

/** REQUIRES: parseConfig() or specFromRules() made the spec. The rules are in the order of the spec. */
export function rulesFromSpec(spec: Partial<Spec>): SaidInRules {
  const lost: Lost[] = [];
  const lose = (path: Path, why = NO_WORD) => lost.push({ path: formatPath(path), why });
  const rules: Rule[] = [];
  for (const [name, value] of Object.entries(spec)) if (value !== undefined && !SAID.includes(name)) lose([name]);
  const { tcp, tcpFin, udp, established, finWait, ...states } = spec.timeouts ?? {};
  for (const [name, value] of Object.entries(states)) if (value !== undefined) lose(['timeouts', name]);
  const timeouts = { tcp: tcp ?? established ?? 0, tcpFin: tcpFin ?? finWait ?? 0, udp: udp ?? 0 };
  if (Object.values(timeouts).some((seconds) => seconds > 0)) rules.push({ command: 'setTimeouts', ...timeouts });
  for (const [name, value] of Object.entries(spec.sysctls ?? {})) rules.push({ command: 'sysctl', name, value });
  for (const rule of spec.marks ?? []) rules.push({ command: 'addMark', rule });
  for (const [index, service] of (spec.services ?? []).entries())
    rules.push(...serviceRules(service, ['services', index], lose));
  return { rules, lost };
}

type Lose = (path: Path, why?: string) => void;

function serviceRules(service: ServiceSpec, path: Path, lose: Lose): Rule[] {
  for (const name of UNSAID_OF_SERVICES) if (service[name] !== undefined) lose([...path, name]);
  const identity = checkedServiceKey('service', serviceKeyOf(service));
  const id = serviceIdOf(identity);
  const { scheduler = DEFAULT_SCHEDULER, schedulerFlags = [], onePacket = false } = service;
  const flags = schedulerFlags.map((flag) => schedulerFlagNumbers[flag] as SchedulerFlag);
  const persistence = checkedPersistence('service', service.persistence ?? false, identity);
  const settings: ServiceSettings = {
    scheduler,
    schedulerFlags: [...new Set(flags)].sort(),
    ...(persistence && { persistence }),
    onePacket,
  };
  const servers = (service.servers ?? []).flatMap((server, at): Rule[] => {
    const { address: name, port: own } = server;
    if (name === undefined) {
      lose([...path, 'servers', at], 'rules name servers by their addresses alone');
      return [];
    }
    if (server.health !== undefined) lose([...path, 'servers', at, 'health']);
    if (server.forwarding === 'local')
      lose([...path, 'servers', at, 'forwarding'], "a rule's server is local by its address alone");
    const key = checkedServerKey(
      'server',
      { address: name, ...(own !== undefined && { port: own }) },
      serverPortOf(identity),
    );
    return [{ command: 'addServer', service: id, server: key, settings: settingsOf(server) }];
  });
  return [{ command: 'addService', service: id, settings }, ...servers];
}

/** A rule leaves it to the address whether a server is local. */
function settingsOf({ forwarding, health, ...server }: ServerSpec): ServerSettings {
  return serverSettings({ ...server, forwarding: forwarding === 'local' ? 'dr' : forwarding });
}
