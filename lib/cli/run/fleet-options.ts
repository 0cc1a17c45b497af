/** The options of `tunvs run` for a director of a fleet. */
import { hostname } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import { DEFAULT_NAME } from '../../daemon/daemon-name.js';
import { isPart } from '../../fleet/layout.js';
import { integerArgument } from '../arguments.js';
import { addEtcdOptions } from '../etcd-options.js';
import type { RunOptions } from './options.js';

export function addFleetOptions(command: Command): Command {
  return addEtcdOptions(command, 'take services, servers and weights from there, and follow their changes')
    .option(
      '--etcd-cache <file>',
      'where the last good configuration is kept, for a start while etcd is away (default: NAME.etcd.json in ' +
        'STATE_DIRECTORY, or in /run/tunvs)',
    )
    .option('--etcd-member <name>', "what the fleet calls this director (default: the host's name)", memberArgument)
    .option(
      '--etcd-lease <seconds>',
      'how long etcd counts this director as there without a word; an etcd that is silent is found in that time, too ' +
        '(default: 10)',
      integerArgument(2, 300),
    )
    .option(
      '--etcd-share-checks',
      'let one director of the fleet check each server, and the others go by what it finds',
    );
}

function memberArgument(text: string): string {
  if (isPart(text)) return text;
  throw new InvalidArgumentError('Write a name without / and blanks.');
}

export interface FleetTimes {
  ttlSeconds: number;
  timeoutMs: number;
  heartbeatMs: number;
  retryMs: [number, number];
}

/** An endpoint is found silent, and another asked, before the lease is over. */
export function fleetTimesOf({ etcdLease: ttlSeconds = 10 }: RunOptions): FleetTimes {
  const share = (part: number, most: number) => Math.min(ttlSeconds * 1000 * part, most);
  return {
    ttlSeconds,
    timeoutMs: share(0.3, 3_000),
    heartbeatMs: share(0.4, 5_000),
    retryMs: [200, share(0.5, 5_000)],
  };
}

/** Directors of one host differ by the names of their daemons. */
export function memberOf({ etcdMember, name = DEFAULT_NAME }: RunOptions, host = hostname()): string {
  return etcdMember ?? (name === DEFAULT_NAME ? host : `${host}:${name}`);
}
