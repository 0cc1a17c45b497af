/** Reads what the command line names as the configuration. */
import { type CliIo, UsageError } from '../verb.js';
import { etcdOptionsOf } from '../etcd-options.js';
import type { Configuration } from './configuration.js';
import type { RunOptions } from './options.js';
import type { Tell } from './teller.js';

export async function configurationOf(options: RunOptions, io: CliIo, tell: () => Tell): Promise<Configuration> {
  const { rules, config, keepalived, etcd } = options;
  if (etcd !== undefined) {
    if (rules !== undefined || keepalived !== undefined)
      throw new UsageError('--etcd excludes --rules and --keepalived: "tunvs convert" turns them into a configuration');
    const { fleetConfiguration } = await import('./fleet-configuration.js');
    return fleetConfiguration(options, io, tell);
  }
  const [alone] = fleetOptionsOf(options);
  if (alone !== undefined) throw new UsageError(`${alone} is for --etcd: give it too, or leave ${alone} out`);
  if (keepalived !== undefined) {
    if (rules !== undefined || config !== undefined)
      throw new UsageError('--keepalived excludes --config and --rules: "tunvs convert" turns it into a configuration');
    const { keepalivedConfiguration } = await import('./keepalived-configuration.js');
    return keepalivedConfiguration(options, keepalived, io, tell);
  }
  if (rules !== undefined && config !== undefined)
    throw new UsageError('--config and --rules exclude each other: "tunvs convert" turns rules into a configuration');
  if (config !== undefined) {
    const { fileConfiguration } = await import('./file-configuration.js');
    return fileConfiguration(options, config, io, tell);
  }
  if (rules !== undefined) {
    const { rulesConfiguration } = await import('./rules-configuration.js');
    return rulesConfiguration(options, rules, io);
  }
  const { source, control, http } = options;
  if (source === undefined)
    throw new UsageError(
      "there is nothing to run: give --config with a configuration file, --keepalived with keepalived's, --rules with " +
        'rules, --etcd with a fleet, or --source alone for a director that tunvsadm fills',
    );
  if (control === false && http === undefined)
    throw new UsageError(
      'nobody could fill a director without rules: leave --no-control out, or give --rules, --config or --keepalived',
    );
  const { emptyConfiguration } = await import('./empty-configuration.js');
  return emptyConfiguration(options, source);
}

const fleetOptionsOf = (options: RunOptions): string[] => [
  ...etcdOptionsOf(options),
  ...(options.etcdCache === undefined ? [] : ['--etcd-cache']),
  ...(options.etcdMember === undefined ? [] : ['--etcd-member']),
  ...(options.etcdLease === undefined ? [] : ['--etcd-lease']),
  ...(options.etcdShareChecks ? ['--etcd-share-checks'] : []),
];
