/** The subjects by name. */
import { openApi } from './api.js';
import { openAttack } from './attack.js';
import { openControl } from './control.js';
import { openDevice } from './device.js';
import { openHealth } from './health.js';
import { openHealthChanges } from './health-changes.js';
import { openMemory } from './memory.js';
import { openPolicy } from './policy.js';

export const subjects = {
  memory: openMemory,
  attack: openAttack,
  device: openDevice,
  control: openControl,
  api: openApi,
  policy: openPolicy,
  health: openHealth,
  healthChanges: openHealthChanges,
} as const;

export type SubjectName = keyof typeof subjects;
export type SubjectOptions<Name extends SubjectName> = Parameters<(typeof subjects)[Name]>[0];
