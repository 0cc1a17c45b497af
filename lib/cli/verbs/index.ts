/** Lists the verbs of `tunvs` in the order of its help. */
import type { Verb } from '../verb.js';
import { check } from './check.js';
import { config } from './config.js';
import { convert } from './convert.js';
import { demo } from './demo.js';
import { explain } from './explain.js';
import { fleet } from './fleet.js';
import { health } from './health.js';
import { installIpvsadm } from './install-ipvsadm.js';
import { realserver } from './realserver.js';
import { reload } from './reload.js';
import { replay } from './replay.js';
import { role } from './role.js';
import { sync } from './sync.js';
import { run } from './run.js';
import { status } from './status.js';
import { upgrade } from './upgrade.js';

export const verbs: readonly Verb[] = [
  ...[run, status, role, sync, health, fleet, reload, upgrade, check, convert, config],
  ...[realserver, replay, explain, demo, installIpvsadm],
];
