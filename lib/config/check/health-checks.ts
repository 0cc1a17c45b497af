/** Checks what the schema cannot: what the kinds say of their options, and how the parts of health fit each other. */
import { isAbsolute } from 'node:path';
import { type Check, passed } from '../../health/checks/check.js';
import type { FileUse } from '../../health/checks/kind.js';
import { checkedHealthOptions } from '../../health/health-options.js';
import {
  checkedNotifications,
  checkedServerNotifications,
  checkedServiceNotifications,
} from '../../health/notify/checked.js';
import type { RealServer } from '../../director/virtual-service.js';
import { fieldOfOption, readCheck, takesPort } from '../check-options.js';
import { healthOf, serverHealthOf, type WantedHealth, type WantedServerHealth } from '../health-of.js';
import { healthOptionsOf, monitorOptionsOf, serverHealthOptionsOf } from '../health-options.js';
import type { Path } from '../mistake.js';
import type { CheckSpec, ServiceHealthSpec, Spec } from '../spec.js';
import type { Finding } from './issues.js';
import { locate, refused } from './refusal.js';
import { addressFindings } from './health-address.js';
import { uselessFiles } from './health-files.js';
import { quorumWarnings } from './health-quorum.js';
import type { ServicePart } from './service-checks.js';

export interface HealthSurroundings {
  /** Makes the name of a file absolute that stands at a path. */
  absolute(path: Path, name: string): string;
  isFile(file: string): boolean;
  /** Says why a file cannot be used; undefined where it can be, or nobody knows. */
  whyUseless(file: string, use: FileUse): string | undefined;
}

type AnyHealth = Pick<ServiceHealthSpec, 'check' | 'checks' | 'port'>;

/** The names of files become absolute. What may be there by the time that it is used is a warning. */
export function healthFindings(
  spec: Pick<Spec, 'health' | 'marks'>,
  parts: readonly ServicePart[],
  surroundings: HealthSurroundings,
): { findings: Finding[]; warnings: Finding[] } {
  const findings = allFindings(spec, parts, surroundings);
  if (findings.length > 0) return { findings, warnings: [] };
  return { findings, warnings: [...uselessFiles(spec, parts, surroundings), ...quorumWarnings(spec, parts)] };
}

function allFindings(
  spec: Pick<Spec, 'health' | 'marks'>,
  parts: readonly ServicePart[],
  surroundings: HealthSurroundings,
): Finding[] {
  const findings = spec.health ? partFindings(spec.health, ['health'], surroundings) : [];
  const news = spec.health?.notify;
  if (news?.fifo !== undefined) news.fifo = surroundings.absolute(['health', 'notify', 'fifo'], news.fifo);
  if (news?.webhook?.ca !== undefined) {
    const path = ['health', 'notify', 'webhook', 'ca'];
    news.webhook.ca = surroundings.absolute(path, news.webhook.ca);
    if (!surroundings.isFile(news.webhook.ca))
      findings.push({ path, message: `there is no file ${news.webhook.ca}`, mend: 'write the path of certificates' });
  }
  if (news !== undefined) {
    const { notify } = monitorOptionsOf({ notify: news }, () => '');
    const { webhook, ...others } = notify ?? {};
    // The file of certificates is read when the monitor is made.
    const { ca, ...site } = webhook ?? {};
    const given = { ...others, ...(webhook && { webhook: site as typeof webhook }) };
    const refusal = refused(() => void checkedNotifications('notify', given));
    if (refusal) findings.push({ path: ['health', 'notify'], message: refusal.message, mend: refusal.mend });
  }
  for (const { index, service, servers } of parts) {
    const path = ['services', index, 'health'];
    if (service.health) findings.push(...partFindings(service.health, path, surroundings));
    const wanted = healthOf(spec, service);
    if (service.health && wanted === undefined)
      findings.push({
        path,
        message: 'it does not say what is asked of the servers',
        mend: 'write check, as in check: tcp, here or in the health of the file',
      });
    // What is wrong in a part is named there.
    if (wanted !== undefined && findings.length === 0) findings.push(...fitFindings(wanted, service, path, spec));
    if (wanted !== undefined && findings.length === 0)
      findings.push(...addressFindings(wanted, { index, service, servers }, spec.marks ?? []));
    for (const { index: at, server } of servers) {
      const serverPath = ['services', index, 'servers', at, 'health'];
      if (!server.health) continue;
      findings.push(...partFindings(server.health, serverPath, surroundings));
      if (wanted === undefined)
        findings.push({
          path: serverPath,
          message: 'the servers of this service are not checked',
          mend: "write the service's health with a check, or leave it out",
        });
      else if (findings.length === 0)
        findings.push(...serverFindings(serverHealthOf(server) as WantedServerHealth, wanted, serverPath));
    }
  }
  return findings;
}

function partFindings(health: AnyHealth, path: Path, surroundings: HealthSurroundings): Finding[] {
  const { check, checks, port } = health;
  const findings: Finding[] = [];
  if (check !== undefined && checks !== undefined)
    findings.push({ path: [...path, 'checks'], message: 'it cannot stand beside check', mend: 'write one of them' });
  if (check !== undefined)
    findings.push(...checkFindings(check, [...path, 'check'], surroundings, (made) => (health.check = made)));
  for (const [index, each] of (checks ?? []).entries()) {
    const at = [...path, 'checks', index, 'check'];
    findings.push(...checkFindings(each.check, at, surroundings, (made) => (each.check = made)));
  }
  const all = checks?.map((each) => each.check) ?? (check === undefined ? [] : [check]);
  const isUseless = all.length > 0 && all.every((each) => hasOneKind(each) && !takesPort(readCheck(each)));
  if (port !== undefined && isUseless)
    findings.push({ path: [...path, 'port'], message: 'none of the checks asks a port', mend: 'leave it out' });
  return findings;
}

const hasOneKind = (check: CheckSpec) => typeof check === 'string' || Object.keys(check).length === 1;

/** `put` replaces the check by one whose files are absolute. */
function checkFindings(
  check: CheckSpec,
  path: Path,
  { absolute, isFile }: HealthSurroundings,
  put: (check: CheckSpec) => void,
): Finding[] {
  if (!hasOneKind(check)) {
    const names = Object.keys(check);
    const message = names.length === 0 ? 'it names no kind of check' : `it names ${names.join(' and ')}`;
    return [
      { path, message, mend: names.length === 0 ? 'write one, as in tcp: {}' : 'write one, or a list of checks' },
    ];
  }
  const read = readCheck(check);
  if ('module' in read) {
    const module = isAbsolute(read.module) ? read.module : absolute(path, read.module);
    put(module);
    return isFile(module)
      ? []
      : [{ path, message: `there is no module ${module}`, mend: 'write the path of a module' }];
  }
  const { kind, options } = read;
  const fields =
    typeof check === 'string' ? {} : ((check as Record<string, object>)[kind.name] as Record<string, unknown>);
  for (const [name, { type }] of Object.entries(kind.options)) {
    if (type !== 'file' || typeof options[name] !== 'string') continue;
    options[name] = absolute([...path, kind.name, name], options[name]);
    fields[name] = options[name];
  }
  const refusal = refused(() => kind.make(options));
  if (refusal === undefined) return [];
  const [option, ...inner] = locate(refusal.option, options);
  const within = option === undefined ? [] : [fieldOfOption(kind, `${option}`), ...inner];
  const isNamed = typeof check !== 'string';
  return [{ path: isNamed ? [...path, kind.name, ...within] : path, message: refusal.message, mend: refusal.mend }];
}

/** How the parts of a service's health fit each other; what does not is named where it stands. */
function fitFindings(
  wanted: WantedHealth,
  { health }: ServicePart['service'],
  path: Path,
  { health: all }: Pick<Spec, 'health'>,
): Finding[] {
  const { notify, ...options } = healthOptionsOf(wanted, () => ANY_CHECK);
  const program = refused(() => void checkedServiceNotifications('notify', notify));
  if (program) return [{ path: [...path, 'notify'], message: program.message, mend: program.mend }];
  const refusal = refused(() => void checkedHealthOptions(options));
  if (refusal === undefined) return [];
  const { option = '', message, mend } = refusal;
  const field = option.replace(/Ms$/, '').split(/[.[]/, 1)[0] as keyof ServiceHealthSpec;
  const stands = (where: object | false | undefined) => where && Object.hasOwn(where, field);
  if (stands(health)) return [{ path: [...path, field], message, mend }];
  return [{ path: stands(all) ? ['health', field] : path, message, mend }];
}

/** What a server has otherwise. */
function serverFindings(own: WantedServerHealth, wanted: WantedHealth, path: Path): Finding[] {
  const { notify, ...options } = serverHealthOptionsOf(own, wanted, () => ANY_CHECK);
  const program = refused(() => void checkedServerNotifications('notify', notify ?? {}));
  if (program) return [{ path: [...path, 'notify'], message: program.message, mend: program.mend }];
  const service = healthOptionsOf({ ...wanted, notify: {} }, () => ANY_CHECK);
  const rules = checkedHealthOptions({ ...service, forServer: () => options });
  const refusal = refused(() => void rules.rulesFor({} as RealServer));
  return refusal === undefined ? [] : [{ path, message: refusal.message, mend: refusal.mend }];
}

/** Stands in for the check of a module that is not imported. */
const ANY_CHECK: Check = { kind: 'function', needsWay: true, run: async () => passed('') };
