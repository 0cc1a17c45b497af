/** Says that a director forwards from now on. */
import type { Director } from '../../director/director.js';
import type { Door } from '../../control/door/door.js';
import { toJson } from '../json.js';
import type { CliIo } from '../verb.js';
import { count } from '../words.js';
import type { RunOptions } from './options.js';
import type { Tell } from './teller.js';

/** Where the control server listens; nowhere without one. */
export type Doors = Door['addresses'];

export function announce(director: Director, doors: Doors, { json }: RunOptions, io: CliIo, tell: Tell): void {
  for (const warning of director.warnings) tell('warn', 'warning', warning);
  const ready = json
    ? toJson({ event: 'ready', ...readyFields(director, doors) })
    : `tunvs run: ${readySentence(director, doors)}`;
  io.stdout.write(`${ready}\n`);
}

export function readyFields(director: Director, doors: Doors): object {
  const { name: device, egress, attached } = deviceOf(director);
  const { markDevices, role, state } = director;
  return { device, attached, markDevices, egress, role, control: doors, ...counts(director), ...(state && { state }) };
}

/** The socket has its place; a port may have been chosen by the system. */
export function readySentence(director: Director, { http }: Doors): string {
  const { name, egress, attached } = deviceOf(director);
  const how = attached ? 'attached' : 'created';
  const marks = director.markDevices.map((device) => `, ${device.name} (mark ${device.mark})`);
  const { services, servers } = counts(director);
  const taken = takenOver(director);
  const standby = director.role === 'standby' ? 'as a standby ' : '';
  return `ready ${standby}on ${name} (${how}, egress ${egress})${marks.join('')}: ${count(services, 'virtual service')}, ${count(servers, 'real server')}${taken}${http === undefined ? '' : `, control server on ${http}`}`;
}

function takenOver({ state }: Director): string {
  if (state === undefined || state.connections + state.templates + state.ended === 0) return '';
  const ended = state.ended === 0 ? '' : ` (${state.ended} more did not hold together)`;
  const templates = state.templates === 0 ? '' : ` and ${count(state.templates, 'template')}`;
  return `, ${count(state.connections, 'connection')}${templates} taken over${ended}`;
}

const deviceOf = (director: Director) => director.device as NonNullable<Director['device']>;

function counts({ virtualServices }: Director): { services: number; servers: number } {
  const servers = virtualServices.reduce((sum, service) => sum + service.realServers.length, 0);
  return { services: virtualServices.length, servers };
}
