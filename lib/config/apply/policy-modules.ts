/**
 * Imports the policies that a configuration names. A module is imported again when its own text has changed; what it
 * imports itself is not, because Node keeps modules for ever.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { Policy } from '../../policy/policy.js';

interface LoadedPolicy {
  hash: string;
  policy: Policy;
  close: (() => unknown) | undefined;
}

/** Policies by file. */
export type PolicySet = ReadonlyMap<string, LoadedPolicy>;

export interface PolicyMistake {
  path: string;
  message: string;
}

/** A module that is not there by then, or has not ended, is not waited for. */
const PATIENCE_MS = 10_000;

/** Makes each import a module of its own: one that was closed is not used again, even when its text comes back. */
let loads = 0;

/** Returns a policy for each file, those of `before` where the text is the same; or what is wrong with them, all at once. */
export async function loadPolicies(
  named: readonly { file: string; path: string }[],
  before: PolicySet,
  patienceMs = PATIENCE_MS,
): Promise<{ policies: PolicySet; mistakes: PolicyMistake[] }> {
  const policies = new Map<string, LoadedPolicy>();
  const mistakes: PolicyMistake[] = [];
  for (const { file, path } of named) {
    if (policies.has(file)) continue;
    const loaded = await loadPolicy(file, before.get(file), patienceMs);
    if (typeof loaded === 'string') mistakes.push({ path, message: loaded });
    else policies.set(file, loaded);
  }
  return { policies, mistakes };
}

/** Tells modules whose policy is no longer in force; those that export `close` have something to end. */
export async function closePolicies(
  before: PolicySet,
  now: PolicySet,
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

async function loadPolicy(
  file: string,
  before: LoadedPolicy | undefined,
  patienceMs: number,
): Promise<LoadedPolicy | string> {
  let text: Buffer;
  try {
    text = await readFile(file);
  } catch (error) {
    return `the policy's module ${file} cannot be read (${saidBy(error)}): name a file relative to the configuration's folder`;
  }
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  if (before?.hash === hash) return before;
  let module: Record<string, unknown>;
  try {
    const url = `${pathToFileURL(file).href}?load=${++loads}`;
    module = (await inTime(import(url), patienceMs)) as Record<string, unknown>;
  } catch (error) {
    return `the policy's module ${file} cannot be imported (${saidBy(error)}): run "node ${file}" to see more`;
  }
  const policy = module.policy ?? module.default;
  if (!(policy instanceof Policy))
    return `the module ${file} has no policy: export one made by tablePolicy(), weightsPolicy() or connectionPolicy() of this tunvs, as \`policy\` or by default`;
  const close = module.close;
  return { hash, policy, close: typeof close === 'function' ? () => close() : undefined };
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
