/**
 * The files in bench/results: one for each group of trials, which is the first word of their names. A trial's new result
 * takes the place of its old one, and the others stay, so each says itself when, where and from what it was taken.
 *
 * Thread safety: one process writes at a time. Invariants: a file is whole whenever it is read, and its trials are
 * sorted by name.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

export const RESULTS_FOLDER = fileURLToPath(new URL('../../bench/results', import.meta.url));

const FORMAT = 1;

const machineSchema = z.strictObject({
  cpu: z.string(),
  cpus: z.int().min(1),
  memoryGiB: z.int().min(0),
  kernel: z.string(),
  node: z.string(),
  hypervisor: z.enum(['yes', 'no']),
  hugePages: z.string(),
});

const summarySchema = z.strictObject({ median: z.number(), min: z.number(), max: z.number(), deviation: z.number() });

const savedTrialSchema = z.strictObject({
  name: z.string().min(1),
  /** ISO 8601, in UTC. */
  date: z.iso.datetime(),
  commit: z.string().min(1),
  /** Whether the sources differed from the commit. */
  isChanged: z.boolean(),
  machine: machineSchema,
  /** The load average of the minute before: what else the machine did. Results from before it was kept have none. */
  load: z.number().min(0).optional(),
  /** A quick run is too short to be quoted. */
  isQuick: z.boolean(),
  notes: z.array(z.string()),
  /** How often it ran, after one run to warm up, in one process. */
  runs: z.int().min(1),
  figures: z.record(z.string(), summarySchema),
});

const resultsSchema = z.strictObject({ format: z.literal(FORMAT), trials: z.array(savedTrialSchema) });

export type SavedTrial = z.infer<typeof savedTrialSchema>;

export const groupOf = (name: string) => name.split(' ')[0] as string;

/** Returns the trials that the text of a file holds. Throws an error that names `path` and the first mistake. */
export function parseResults(text: string, path: string): SavedTrial[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${path} is not JSON (${(error as Error).message}): restore it, or remove it and measure again`);
  }
  const parsed = resultsSchema.safeParse(value);
  if (parsed.success) return parsed.data.trials;
  const [issue] = parsed.error.issues;
  throw new Error(
    `${path}: ${issue?.path.join('.') || 'the file'}: ${issue?.message}: restore it, or remove it and measure again`,
  );
}

/** Returns all trials of a folder, by group and name; none when there is no such folder. */
export function readResults(folder = RESULTS_FOLDER): SavedTrial[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return files.sort().flatMap((name) => readFile(join(folder, name)));
}

const readFile = (path: string) => (existsSync(path) ? parseResults(readFileSync(path, 'utf8'), path) : []);

/** Puts a trial's result into the file of its group. Throws when a number is not finite, as JSON has none such. */
export function saveTrial(trial: SavedTrial, folder = RESULTS_FOLDER): void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${groupOf(trial.name)}.json`);
  const others = readFile(path).filter(({ name }) => name !== trial.name);
  const trials = [...others, savedTrialSchema.parse(trial)].sort((a, b) => (a.name < b.name ? -1 : 1));
  const text = `${JSON.stringify({ format: FORMAT, trials }, rounded, 1)}\n`;
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

/** Six significant digits are more than any run is good for. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;
}
