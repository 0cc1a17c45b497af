/** A director that runs from a configuration file. What the command line says counts more than what the file says. */
import { stat } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { SpecSession } from '../../config/apply/spec-session.js';
import { openOptionsOf } from '../../config/library-options.js';
import { ConfigError, mistakeSentence } from '../../config/mistake.js';
import { parseConfigAside } from '../../config/parse-aside.js';
import { type ParsedConfig, parseConfig, type RefusedConfig } from '../../config/parse-config.js';
import { shownValues } from '../../config/print-spec.js';
import type { ConfigParts } from '../../config/read/parts.js';
import type { Origins, Spec } from '../../config/spec.js';
import type { Director } from '../../director/director.js';
import { rehearsalDirector } from '../../director/rehearsal.js';
import { monitorHealth } from '../../health/monitor-health.js';
import type { HealthMonitor } from '../../health/monitor.js';
import type { MonitorOptions } from '../../health/options.js';
import { HealthSlot } from '../../health/view.js';
import { readOperand } from '../config-file.js';
import { type CliIo, UsageError } from '../verb.js';
import type { Configuration } from './configuration.js';
import { openOptions } from './open-options.js';
import type { RunOptions } from './options.js';
import type { Tell } from './teller.js';

interface Read {
  spec: Spec;
  origins: Origins;
}

/** How a file is read: what its option is, and what its text says. */
export interface FileReader {
  option: string;
  /** What was read of it already. */
  first?: ParsedConfig | RefusedConfig;
  /** Where the monitor is once there is one; by default in a slot of its own. */
  health?: HealthSlot;
  /** Reads the file; by default as its operand says. */
  read?(isAgain: boolean): Promise<Buffer>;
  /** Makes the monitor that checks servers; by default it does so by itself. */
  monitor?(director: Director, options: MonitorOptions): HealthMonitor;
  parse(bytes: Uint8Array): ParsedConfig | RefusedConfig;
  /** Does the same where it is not to hold up the event loop; `found` is what was read last. */
  parseAgain(bytes: Uint8Array, found: ParsedConfig | RefusedConfig): Promise<ParsedConfig | RefusedConfig>;
}

/** `parts` returns what stands elsewhere than in files, now, and how long that is. */
export const configReader = (
  file: string,
  { natSource }: RunOptions,
  parts: () => { parts?: ConfigParts; bytes: number } = () => ({ bytes: 0 }),
): FileReader => ({
  option: '--config',
  parse: (bytes) => parseConfig(bytes, { path: file, ...saidOf(natSource), ...partsAlone(parts()) }),
  parseAgain: async (bytes, found) =>
    parseConfigAside(bytes, {
      path: file,
      ...saidOf(natSource),
      ...partsAlone(parts()),
      includedBytes: parts().bytes + (await lengthOf(found.files.slice(1))),
    }),
});

const partsAlone = ({ parts }: { parts?: ConfigParts }) => parts && { parts };

const saidOf = (natSource: string[] | undefined) => natSource && { fullNat: { sources: natSource } };

/** `tell` says what happens later; the file's warnings go to standard error, as the rules' do. */
export async function fileConfiguration(
  options: RunOptions,
  file: string,
  io: CliIo,
  tell: () => Tell,
  reader = configReader(file, options),
): Promise<Configuration> {
  const { option } = reader;
  const readFile = reader.read ?? ((isAgain: boolean) => readOperand(file, io, { option, isAgain }));
  const isOnce = file === '-' && reader.read === undefined;
  let found = reader.first ?? reader.parse(await readFile(false));
  let read = inForce(options, found, io);
  let session: SpecSession | undefined;
  const { health = new HealthSlot() } = reader;
  return {
    title: 'configuration',
    open: { ...openOptionsOf(read.spec), ...(options.takeover && { takeover: true }) },
    daemon: daemonOf(read.spec),
    health,
    plan: () => planned(read),
    async begin({ director }) {
      session = new SpecSession(director, {
        monitor(wanted) {
          const onStandby = options.standbyChecks ?? wanted.onStandby;
          const make = reader.monitor ?? monitorHealth;
          const monitor = make(director, { ...wanted, ...(onStandby && { onStandby }) });
          health.fill(monitor);
          return monitor;
        },
        dns: ({ sentence }) => tell()('warn', 'dns', sentence),
        changed: (changes) =>
          tell()('info', 'dnsChanged', changes.map((each) => each.sentence).join('; '), { changes }),
        warning: (sentence) => tell()('warn', 'configuration', sentence),
      });
      await session.apply(read);
    },
    async reload({ dryRun = false, reset = false }) {
      if (isOnce) {
        throw new UsageError(
          'the configuration came from standard input, which cannot be read again: start with a file',
        );
      }
      const next = await reader.parseAgain(await readFile(true), found);
      // Also what a refused reading has looked at is where somebody mends it.
      if (!dryRun) found = next;
      const wanted = inForce(options, next, io);
      const running = session as SpecSession;
      if (dryRun) return running.plan(wanted, { reset });
      const changes = await running.apply(wanted, { reset });
      read = wanted;
      return changes;
    },
    shown: () => shownValues(read.spec, read.origins),
    files: () => (file === '-' ? [] : found.watched),
    end: () => session?.close(),
  };
}

/** Many files are not asked one by one. */
async function lengthOf(files: readonly string[]): Promise<number> {
  if (files.length > 20) return Infinity;
  const sizes = files.map((file) =>
    stat(file).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

function inForce(options: RunOptions, found: ParsedConfig | RefusedConfig, io: CliIo): Read {
  for (const warning of found.warnings) io.stderr.write(`warning: ${mistakeSentence(warning)}\n`);
  if ('mistakes' in found) throw new ConfigError(found.mistakes);
  const { spec, origins } = found;
  const said = overriding(options, spec);
  return { spec: { ...spec, ...said }, origins: withoutThose(origins, Object.keys(said)) };
}

/** What the command line says stands in no file. */
function withoutThose(origins: Origins, fields: readonly string[]): Origins {
  if (fields.length === 0) return origins;
  return new Map([...origins].filter(([path]) => !fields.includes(/^[^.[]*/.exec(path)?.[0] ?? '')));
}

/** The command line's options under the names of the file, as far as they differ from it. */
function overriding(options: RunOptions, spec: Spec): Partial<Spec> {
  // No file says whose place the director takes.
  const {
    device: said,
    fullNat,
    takeover: _,
    ...others
  } = openOptions(options, options.source ?? [spec.source].flat());
  const name = options.device ?? spec.device?.name ?? said?.name;
  const device = { ...spec.device, ...said, ...(name !== undefined && { name }) };
  const all = {
    ...others,
    ...(fullNat !== undefined && { fullNat: { ...spec.fullNat, ...fullNat } }),
    ...(options.source === undefined && { source: spec.source }),
    device,
  } as Partial<Spec>;
  const differs = ([field, value]: [string, unknown]) =>
    !isDeepStrictEqual(value, spec[field as keyof Spec] ?? (field === 'device' ? {} : undefined));
  return Object.fromEntries(Object.entries(all).filter(differs));
}

const daemonOf = ({ control, log, metrics, reload, sync }: Spec) => ({
  ...(control && { control }),
  ...(log && { log }),
  ...(metrics && { metrics }),
  ...(reload && { reload }),
  ...(sync && { sync }),
});

/** Names are asked of DNS for it, and policies are imported. */
async function planned({ spec, origins }: Read) {
  const director = rehearsalDirector(spec.source, undefined, spec.fullNat ?? null);
  const session = new SpecSession(director);
  try {
    const changes = await session.apply({ spec, origins });
    const { services } = director.stats();
    return { services, marks: director.marks, lines: changes.map(({ sentence }) => sentence) };
  } finally {
    await director.close();
    await session.close();
  }
}
