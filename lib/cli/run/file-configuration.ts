/** A director that runs from a configuration file. What the command line says counts more than what the file says. */
import { isDeepStrictEqual } from 'node:util';
import { SpecSession } from '../../config/apply/spec-session.js';
import { openOptionsOf } from '../../config/library-options.js';
import { ConfigError, mistakeSentence } from '../../config/mistake.js';
import { parseConfig } from '../../config/parse-config.js';
import { shownValues } from '../../config/print-spec.js';
import type { Origins, Spec } from '../../config/spec.js';
import { Director } from '../../director/director.js';
import { thisHost } from '../../host/host.js';
import { readOperand } from '../config-file.js';
import { type CliIo, UsageError } from '../verb.js';
import type { Configuration } from './configuration.js';
import { openOptions } from './open-options.js';
import type { RunOptions } from './options.js';
import type { Tell } from './teller.js';

interface Read {
  spec: Spec;
  origins: Origins;
  files: string[];
}

/** `tell` says what happens later; the file's warnings go to standard error, as the rules' do. */
export async function fileConfiguration(
  options: RunOptions,
  file: string,
  io: CliIo,
  tell: () => Tell,
): Promise<Configuration> {
  let read = await readFile(options, file, io);
  let session: SpecSession | undefined;
  return {
    title: 'configuration',
    open: openOptionsOf(read.spec),
    daemon: daemonOf(read.spec),
    plan: () => planned(read),
    async begin({ director }) {
      session = new SpecSession(director, {
        dns: ({ sentence }) => tell()('warn', 'dns', sentence),
        changed: (changes) =>
          tell()('info', 'dnsChanged', changes.map((each) => each.sentence).join('; '), { changes }),
        warning: (sentence) => tell()('warn', 'configuration', sentence),
      });
      await session.apply(read);
    },
    async reload({ dryRun = false, reset = false }) {
      if (file === '-') {
        throw new UsageError(
          'the configuration came from standard input, which cannot be read again: start with a file',
        );
      }
      const next = await readFile(options, file, io, true);
      const running = session as SpecSession;
      if (dryRun) return running.plan(next, { reset });
      const changes = await running.apply(next, { reset });
      read = next;
      return changes;
    },
    shown: () => shownValues(read.spec, read.origins),
    files: () => (file === '-' ? [] : read.files),
    end: () => session?.close(),
  };
}

async function readFile(options: RunOptions, file: string, io: CliIo, isAgain = false): Promise<Read> {
  const found = parseConfig(await readOperand(file, io, isAgain), { path: file });
  for (const warning of found.warnings) io.stderr.write(`warning: ${mistakeSentence(warning)}\n`);
  if ('mistakes' in found) throw new ConfigError(found.mistakes);
  const { spec, origins, files } = found;
  const said = overriding(options, spec);
  return { spec: { ...spec, ...said }, origins: withoutThose(origins, Object.keys(said)), files };
}

/** What the command line says stands in no file. */
function withoutThose(origins: Origins, fields: readonly string[]): Origins {
  return new Map([...origins].filter(([path]) => !fields.includes(/^[^.[]*/.exec(path)?.[0] ?? '')));
}

/** The command line's options under the names of the file, as far as they differ from it. */
function overriding(options: RunOptions, spec: Spec): Partial<Spec> {
  const { device: said, ...others } = openOptions(options, options.source ?? [spec.source].flat());
  const name = options.device ?? spec.device?.name ?? said?.name;
  const device = { ...spec.device, ...said, ...(name !== undefined && { name }) };
  const all = { ...others, ...(options.source === undefined && { source: spec.source }), device } as Partial<Spec>;
  const differs = ([field, value]: [string, unknown]) =>
    !isDeepStrictEqual(value, spec[field as keyof Spec] ?? (field === 'device' ? {} : undefined));
  return Object.fromEntries(Object.entries(all).filter(differs));
}

const daemonOf = ({ control, log, metrics, reload }: Spec) => ({
  ...(control && { control }),
  ...(log && { log }),
  ...(metrics && { metrics }),
  ...(reload && { reload }),
});

/** Names are asked of DNS for it, and policies are imported. */
async function planned({ spec, origins }: Read) {
  const localAddresses = thisHost.addresses().map(({ address }) => address);
  const director = Director.offline({ source: spec.source, localAddresses, maxConnections: 1024 });
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
