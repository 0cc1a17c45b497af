/**
 * Imports the modules that a configuration names. A module is imported again when its own text has changed; what it
 * imports itself is not, because Node keeps modules for ever.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

export interface LoadedModule {
  hash: string;
  close: (() => unknown) | undefined;
}

export interface ModuleMistake {
  path: string;
  message: string;
}

export interface NamedModule {
  file: string;
  /** Where the configuration names it. */
  path: string;
}

/** What a configuration names a module for: `whose` begins its sentences, as in "the policy's". */
export interface ModuleUse<Loaded extends LoadedModule> {
  whose: string;
  /** Returns what the module gives, or what is wrong with it. */
  read(exported: Record<string, unknown>, file: string): Omit<Loaded, keyof LoadedModule> | string;
}

/** A module that is not there by then, or has not ended, is not waited for. */
export const PATIENCE_MS = 10_000;

/** Makes each import a module of its own: one that was closed is not used again, even when its text comes back. */
let loads = 0;

/** Returns a module for each file, those of `before` where the text is the same; or what is wrong with them, all at once. */
export async function loadModules<Loaded extends LoadedModule>(
  named: readonly NamedModule[],
  before: ReadonlyMap<string, Loaded>,
  use: ModuleUse<Loaded>,
  patienceMs = PATIENCE_MS,
): Promise<{ loaded: Map<string, Loaded>; mistakes: ModuleMistake[] }> {
  const loaded = new Map<string, Loaded>();
  const mistakes: ModuleMistake[] = [];
  for (const { file, path } of named) {
    if (loaded.has(file)) continue;
    const module = await loadModule(file, before.get(file), use, patienceMs);
    if (typeof module === 'string') mistakes.push({ path, message: module });
    else loaded.set(file, module);
  }
  return { loaded, mistakes };
}

/** Tells modules that are no longer in force; those that export `close` have something to end. */
export async function closeModules(
  before: ReadonlyMap<string, LoadedModule>,
  now: ReadonlyMap<string, LoadedModule>,
  warn: (message: string) => void,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  for (const [file, loaded] of before) {
    if (now.get(file) === loaded) continue;
    try {
      await inTime(loaded.close?.(), patienceMs);
    } catch (error) {
      warn(`${file}: close() failed: ${saidBy(error)}`);
    }
  }
}

async function loadModule<Loaded extends LoadedModule>(
  file: string,
  before: Loaded | undefined,
  { whose, read }: ModuleUse<Loaded>,
  patienceMs: number,
): Promise<Loaded | string> {
  let text: Buffer;
  try {
    text = await readFile(file);
  } catch (error) {
    return `${whose} module ${file} cannot be read (${saidBy(error)}): name a file relative to the configuration's folder`;
  }
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  if (before?.hash === hash) return before;
  let exported: Record<string, unknown>;
  try {
    const url = `${pathToFileURL(file).href}?load=${++loads}`;
    exported = (await inTime(import(url), patienceMs)) as Record<string, unknown>;
  } catch (error) {
    return `${whose} module ${file} cannot be imported (${saidBy(error)}): run "node ${file}" to see more`;
  }
  const given = read(exported, file);
  if (typeof given === 'string') return given;
  const close = exported.close;
  return { ...given, hash, close: typeof close === 'function' ? () => close() : undefined } as Loaded;
}

function saidBy(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error).split('\n', 1)[0] as string;
  } catch {
    // The thrown value throws when it is asked for its text.
    return 'it threw what cannot be shown';
  }
}

/** The timer keeps the process, which would end without a word where nothing else is left to do. */
async function inTime(promise: unknown, ms: number): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it has not ended within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
