/** The subjects by name. */
import { openJs } from './js.js';
import { openAttack } from './attack.js';
import { openBulk } from './bulk.js';
import { openControl } from './control.js';
import { openDevice } from './device.js';
import { openFastPath } from './fast-path.js';
import { openFastProgram } from './fast-program.js';
import { openHealth } from './health.js';
import { openHealthChanges } from './health-changes.js';
import { openLookup } from './lookup.js';
import { openIdle } from './idle.js';
import { openLatency } from './latency.js';
import { openMemory } from './memory.js';
import { openPeers } from './peers.js';
import { openPolicy } from './policy.js';

export const subjects = {
  memory: openMemory,
  lookup: openLookup,
  idle: openIdle,
  attack: openAttack,
  bulk: openBulk,
  device: openDevice,
  fastPath: openFastPath,
  fastProgram: openFastProgram,
  latency: openLatency,
  control: openControl,
  js: openJs,
  policy: openPolicy,
  peers: openPeers,
  health: openHealth,
  healthChanges: openHealthChanges,
} as const;

export type SubjectName = keyof typeof subjects;
export type SubjectOptions<Name extends SubjectName> = Parameters<(typeof subjects)[Name]>[0];
