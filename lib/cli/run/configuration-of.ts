/** Reads what the command line names as the configuration. */
import { readOperand } from '../config-file.js';
import { etcdOptionsOf } from '../etcd-options.js';
import { type CliIo, UsageError } from '../verb.js';
import type { Configuration } from './configuration.js';
import { withEtcdOf } from './etcd-of-file.js';
import type { RunOptions } from './options.js';
import type { Tell } from './teller.js';

export async function configurationOf(options: RunOptions, io: CliIo, tell: () => Tell): Promise<Configuration> {
  const { rules, config, keepalived, etcd } = options;
  if (etcd !== undefined && (rules !== undefined || keepalived !== undefined))
    throw new UsageError('--etcd excludes --rules and --keepalived: "tunvs convert" turns them into a configuration');
  if (keepalived !== undefined && (rules !== undefined || config !== undefined))
    throw new UsageError('--keepalived excludes --config and --rules: "tunvs convert" turns it into a configuration');
  if (rules !== undefined && config !== undefined)
    throw new UsageError('--config and --rules exclude each other: "tunvs convert" turns rules into a configuration');
  if (config !== undefined) return ofFile(options, config, io, tell);
  if (etcd !== undefined) {
    const { fleetConfiguration } = await import('./fleet-configuration.js');
    return fleetConfiguration(options, io, tell);
  }
  refuseFleetOptions(options);
  if (keepalived !== undefined) {
    const { keepalivedConfiguration } = await import('./keepalived-configuration.js');
    return keepalivedConfiguration(options, keepalived, io, tell);
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

/** The file may say itself that its director is of a fleet. */
async function ofFile(options: RunOptions, file: string, io: CliIo, tell: () => Tell): Promise<Configuration> {
  const { configReader, fileConfiguration } = await import('./file-configuration.js');
  const reader = configReader(file, options);
  const bytes = await readOperand(file, io, { option: reader.option });
  const first = reader.parse(bytes);
  const whole = withEtcdOf(options, 'spec' in first ? first.spec.etcd : first.etcd);
  if (whole.etcd !== undefined) {
    const { fleetConfiguration } = await import('./fleet-configuration.js');
    return fleetConfiguration(whole, io, tell, bytes);
  }
  refuseFleetOptions(options);
  return fileConfiguration(options, file, io, tell, { ...reader, first });
}

function refuseFleetOptions(options: RunOptions): void {
  const [alone] = fleetOptionsOf(options);
  if (alone !== undefined) throw new UsageError(`${alone} is for --etcd: give it too, or leave ${alone} out`);
}

const fleetOptionsOf = (options: RunOptions): string[] => [
  ...etcdOptionsOf(options),
  ...(options.etcdCache === undefined ? [] : ['--etcd-cache']),
  ...(options.etcdMember === undefined ? [] : ['--etcd-member']),
  ...(options.etcdLease === undefined ? [] : ['--etcd-lease']),
  ...(options.etcdShareChecks ? ['--etcd-share-checks'] : []),
];
