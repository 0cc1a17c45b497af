/**
 * Goes from what a director holds to what is wanted with as little change as possible: what is the same on both sides is
 * not touched, so that its connections go on and its scheduler keeps its place.
 */
import { isDeepStrictEqual } from 'node:util';
import type { VirtualServiceEdit } from '../director/service-options.js';
import type { MarkRule } from '../values/marks.js';
import { type RealServerKey, serverName } from '../values/server-options.js';
import type { ServiceIdentity } from '../values/service-key.js';
import { isSameSysctl } from '../values/sysctls.js';
import type { StateTimeouts } from '../values/timeouts.js';
import { differences, serverFields, serviceFields } from './fields.js';
import { nameOfService, type Wanted, type WantedServerSettings, type WantedService } from './wanted.js';

type ServerKey = Required<RealServerKey>;

/**
 * One step. `before` is what was in force, and `after` what will be, both whole; `edit` is the difference alone, which
 * is all that is asked of the director.
 */
export type Operation =
  | { op: 'setMarks'; before: readonly MarkRule[]; after: readonly MarkRule[] }
  | { op: 'deleteService'; service: ServiceIdentity; before: VirtualServiceEdit }
  | { op: 'addService'; service: ServiceIdentity; after: VirtualServiceEdit }
  | ({ op: 'editService'; service: ServiceIdentity } & Edit<VirtualServiceEdit>)
  | { op: 'deleteServer'; service: ServiceIdentity; server: ServerKey; before: WantedServerSettings }
  | { op: 'addServer'; service: ServiceIdentity; server: ServerKey; after: WantedServerSettings }
  | ({ op: 'editServer'; service: ServiceIdentity; server: ServerKey } & Edit<WantedServerSettings>)
  | ({ op: 'setTimeouts' } & Edit<StateTimeouts>)
  | { op: 'setSysctl'; name: string; before: number; after: number };

interface Edit<Settings> {
  before: Settings;
  after: Settings;
  edit: Partial<Settings>;
}

/**
 * Returns the steps that make `now` into `wanted`. Removals come first. Added servers keep their order among each other,
 * after those that were there.
 */
export function reconcile(now: Wanted, wanted: Wanted): Operation[] {
  const there = new Map(now.services.map((service) => [nameOfService(service), service]));
  const kept = new Set(wanted.services.map(nameOfService));
  const deletions = now.services
    .filter((service) => !kept.has(nameOfService(service)))
    .map(({ identity, settings }): Operation => ({ op: 'deleteService', service: identity, before: settings }));
  return [
    ...reconcileMarks(now.marks, wanted.marks),
    ...deletions,
    ...wanted.services.flatMap((service) => reconcileService(there.get(nameOfService(service)), service)),
    ...reconcileTimeouts(now.timeouts, wanted.timeouts),
    ...reconcileSysctls(now.sysctls, wanted.sysctls),
  ];
}

/** The first rule that fits a packet counts, so that another order alone is a difference. */
function reconcileMarks(before: readonly MarkRule[], after: readonly MarkRule[]): Operation[] {
  return isDeepStrictEqual(before, after) ? [] : [{ op: 'setMarks', before, after }];
}

function reconcileService(now: WantedService | undefined, wanted: WantedService): Operation[] {
  const service = wanted.identity;
  const steps: Operation[] = [];
  if (!now) steps.push({ op: 'addService', service, after: wanted.settings });
  else {
    const edit = differences(serviceFields, now.settings, wanted.settings);
    const before = now.settings;
    if (edit) steps.push({ op: 'editService', service, before, after: { ...before, ...edit }, edit });
  }
  const there = new Map(now?.servers.map((server) => [serverName(server), server]));
  const kept = new Set(wanted.servers.map(serverName));
  for (const { address, port, settings } of now?.servers ?? []) {
    const server = { address, port };
    if (!kept.has(serverName(server))) steps.push({ op: 'deleteServer', service, server, before: settings });
  }
  for (const { address, port, settings } of wanted.servers) {
    const server = { address, port };
    const before = there.get(serverName(server))?.settings;
    const turns = before !== undefined && turnsSorry(before, settings);
    if (turns) steps.push({ op: 'deleteServer', service, server, before });
    if (!before || turns) {
      steps.push({ op: 'addServer', service, server, after: settings });
      continue;
    }
    const edit = differences(serverFields, before, settings);
    if (edit) steps.push({ op: 'editServer', service, server, before, after: afterEdit(before, edit), edit });
  }
  return steps;
}

function turnsSorry(before: WantedServerSettings, wanted: WantedServerSettings): boolean {
  return (wanted.isSorry ?? false) !== (before.isSorry ?? false);
}

/** Another forwarding method does not keep the tunnel of the one before. */
function afterEdit(before: WantedServerSettings, edit: WantedServerSettings): WantedServerSettings {
  if (edit.forwarding === undefined || edit.forwarding === before.forwarding) return { ...before, ...edit };
  const { tunnelPort: _port, tunnelChecksum: _checksum, ...others } = before;
  return { ...others, ...edit };
}

function reconcileTimeouts(before: StateTimeouts, wanted: StateTimeouts): Operation[] {
  const names = Object.keys(wanted) as (keyof StateTimeouts)[];
  const edit = differences<StateTimeouts>(
    names.map((name) => [name]),
    before,
    wanted,
  );
  return edit ? [{ op: 'setTimeouts', before, after: { ...before, ...edit }, edit }] : [];
}

function reconcileSysctls(now: Wanted['sysctls'], wanted: Wanted['sysctls']): Operation[] {
  return Object.entries(wanted)
    .filter(([name, after]) => !isSameSysctl(name, now[name], after))
    .map(([name, after]) => ({ op: 'setSysctl', name, before: now[name] as number, after }));
}
