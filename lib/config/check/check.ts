/** Checks the value of a whole configuration: each part by the schema, then how they fit, so that all mistakes show. */
import { isAbsolute, resolve, dirname } from 'node:path';
import { checkedSyncOptions, type SyncOptions } from '../../director/sync.js';
import type { FileUse } from '../../health/checks/kind.js';
import { TunvsError } from '../../values/errors.js';
import { parseSource, sourceFamily } from '../../values/source.js';
import type { Path } from '../mistake.js';
import type { ConfigFiles } from '../read/files.js';
import { serverSchema, serviceSchema } from '../schema/service.js';
import { type ServerSpec, type ServiceSpec, type Spec, specSchema } from '../spec.js';
import { openFindings, checkingDirector, settingsFindings } from './director-checks.js';
import { etcdFindings } from './etcd-checks.js';
import { healthFindings } from './health-checks.js';
import { type Finding, findingsOf, MOST_NAMED, unknownField } from './issues.js';
import { serviceFindings, type ServicePart } from './service-checks.js';

export interface CheckSurroundings {
  /** What the command line says of full NAT, which counts more than the file. */
  fullNat?: Partial<Spec['fullNat']>;
  files: ConfigFiles;
  placed(path: Path): string;
  /** The file that a path stands in. */
  fileOf(path: Path): string;
}

export interface Checked {
  spec: Spec;
  findings: Finding[];
  warnings: Finding[];
}

type Fields = Record<string, unknown>;

/** `spec` is whole when there are no findings. */
export function checkConfig(value: Fields, surroundings: CheckSurroundings): Checked {
  const findings: Finding[] = [];
  const spec: Fields = {};
  const unknown = Object.keys(value).filter((key) => !Object.hasOwn(specSchema.shape, key));
  for (const key of unknown.slice(0, MOST_NAMED)) findings.push(unknownField([], key));
  for (const [name, schema] of Object.entries(specSchema.shape)) {
    if (name === 'services' && Array.isArray(value.services)) continue;
    const parsed = schema.safeParse(value[name]);
    if (!parsed.success) for (const each of findingsOf(parsed.error.issues, [name], value)) findings.push(each);
    else if (parsed.data !== undefined) spec[name] = parsed.data;
  }
  const parts = Array.isArray(value.services)
    ? value.services.flatMap((service, index) => servicePart(service, index, value, findings) ?? [])
    : [];
  const read = spec as Spec;
  for (const each of openFindings(read)) findings.push(each);
  const said = surroundings.fullNat && ({ ...read.fullNat, ...surroundings.fullNat } as Spec['fullNat']);
  // What the schema refuses is said, and there would be full NAT without that mistake.
  const director = checkingDirector(
    read.source,
    said ?? read.fullNat ?? (value.fullNat === undefined ? null : undefined),
  );
  try {
    const settings = settingsFindings(read, director);
    const services = serviceFindings(parts, { director, families: familiesOf(read), placed: surroundings.placed });
    for (const each of settings.findings) findings.push(each);
    for (const each of services.findings) findings.push(each);
    for (const each of files(read, parts, surroundings)) findings.push(each);
    for (const each of etcdFindings(read.etcd, inFiles(surroundings).absolute)) findings.push(each);
    // Services need what stands there.
    const isHealthRead = value.health === undefined || read.health !== undefined;
    const health = isHealthRead ? healthFindings(read, parts, inFiles(surroundings)) : { findings: [], warnings: [] };
    for (const each of health.findings) findings.push(each);
    if (parts.length > 0)
      read.services = parts.map(({ service, servers }) => ({
        ...service,
        ...(servers.length > 0 && { servers: servers.map(({ server }) => server) }),
      }));
    return { spec: read, findings, warnings: [...settings.warnings, ...services.warnings, ...health.warnings] };
  } finally {
    void director.close();
  }
}

function familiesOf({ source = [] }: Spec): (4 | 6)[] {
  return [source].flat().flatMap((each) => {
    const parsed = parseSource(each);
    return typeof parsed === 'string' ? [sourceFamily(parsed)] : [];
  });
}

/** Reads a service and its servers one by one, so that a mistake in one hides none in another. */
function servicePart(given: unknown, index: number, whole: Fields, findings: Finding[]): ServicePart | undefined {
  const path = ['services', index];
  const isMap = typeof given === 'object' && given !== null && !Array.isArray(given);
  const list = isMap && Array.isArray((given as Fields).servers) ? ((given as Fields).servers as unknown[]) : undefined;
  const parsed = serviceSchema.safeParse(list === undefined ? given : { ...(given as Fields), servers: [] });
  if (!parsed.success) for (const each of findingsOf(parsed.error.issues, path, whole)) findings.push(each);
  const servers = (list ?? []).flatMap((server, at) => {
    const read = serverSchema.safeParse(server);
    if (read.success) return [{ index: at, server: read.data as ServerSpec }];
    for (const each of findingsOf(read.error.issues, [...path, 'servers', at], whole)) findings.push(each);
    return [];
  });
  if (!parsed.success) return undefined;
  const { servers: _, ...service } = parsed.data as ServiceSpec;
  return { index, service, servers };
}

/** Paths in a file begin at its folder. */
const inFiles = ({ fileOf, files }: CheckSurroundings) => ({
  absolute: (path: Path, name: string) => (isAbsolute(name) ? name : resolve(dirname(fileOf(path)), name)),
  isFile: (file: string) => files.kind(file) === 'file',
  whyUseless: (file: string, use: FileUse) => files.whyUseless?.(file, use),
});

function files(spec: Spec, parts: readonly ServicePart[], surroundings: CheckSurroundings): Finding[] {
  const findings: Finding[] = [];
  const { absolute, isFile } = inFiles(surroundings);
  for (const { index, service } of parts) {
    if (service.policy === undefined) continue;
    const path = ['services', index, 'policy'];
    service.policy = absolute(path, service.policy);
    if (!isFile(service.policy))
      findings.push({ path, message: `there is no module ${service.policy}`, mend: 'write the path of a module' });
  }
  for (const [name, token] of Object.entries(spec.control?.http?.tokens ?? {})) {
    if (token === undefined) continue;
    const path = ['control', 'http', 'tokens', name];
    if ((token.file === undefined) === (token.env === undefined))
      findings.push({ path, message: 'a token is in a file or in an environment variable', mend: 'write file or env' });
    if (token.file !== undefined) token.file = absolute(path, token.file);
  }
  const { sync } = spec;
  if (sync?.keyFile !== undefined) sync.keyFile = absolute(['sync', 'keyFile'], sync.keyFile);
  if (sync !== undefined) findings.push(...syncFindings(sync));
  return findings;
}

/** The library says what is wrong; the keys are read when the director begins. */
function syncFindings({ as: _, keyFile, ...sync }: NonNullable<Spec['sync']>): Finding[] {
  try {
    checkedSyncOptions({ ...sync, role: 'backup' } as SyncOptions);
  } catch (error) {
    if (!(error instanceof TunvsError)) throw error;
    const field = error.option;
    const path = ['sync', ...(field !== undefined && field in sync ? [field] : [])];
    if (sync.peers === undefined && sync.interface === undefined)
      return [
        {
          path: ['sync'],
          message: 'it says neither to whom nor where',
          mend: 'name peers, or an interface for a multicast group',
        },
      ];
    return [
      { path, message: error.message.replace(/^startSync: \w+: /, ''), mend: 'see "sync" in docs/configuration.md' },
    ];
  }
  if (keyFile === undefined || sync.peers !== undefined) return [];
  return [
    { path: ['sync', 'keyFile'], message: 'only what is told to peers is signed', mend: 'name peers, or leave it out' },
  ];
}
