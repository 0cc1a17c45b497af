/** Says that a director forwards from now on. */
import type { Director } from '../../director/director.js';
import { toJson } from '../json.js';
import type { CliIo } from '../verb.js';
import { count } from '../words.js';
import type { RunOptions } from './options.js';
import type { Tell } from './teller.js';

export function announce(director: Director, { json }: RunOptions, io: CliIo, tell: Tell): void {
  for (const warning of director.warnings) tell('warn', 'warning', warning);
  const ready = json ? toJson({ event: 'ready', ...readyFields(director) }) : `tunvs run: ${readySentence(director)}`;
  io.stdout.write(`${ready}\n`);
}

export function readyFields(director: Director): object {
  const { name: device, egress, attached } = deviceOf(director);
  return { device, attached, markDevices: director.markDevices, egress, ...counts(director) };
}

export function readySentence(director: Director): string {
  const { name, egress, attached } = deviceOf(director);
  const how = attached ? 'attached' : 'created';
  const marks = director.markDevices.map((device) => `, ${device.name} (mark ${device.mark})`);
  const { services, servers } = counts(director);
  return `ready on ${name} (${how}, egress ${egress})${marks.join('')}: ${count(services, 'virtual service')}, ${count(servers, 'real server')}`;
}

const deviceOf = (director: Director) => director.device as NonNullable<Director['device']>;

function counts({ virtualServices }: Director): { services: number; servers: number } {
  const servers = virtualServices.reduce((sum, service) => sum + service.realServers.length, 0);
  return { services: virtualServices.length, servers };
}
