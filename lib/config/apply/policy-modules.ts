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

/** Makes each import a module of its own: one that was closed is not used again, even when its text comes back. */
let loads = 0;

/** Returns a policy for each file, those of `before` where the text is the same; or what is wrong with them, all at once. */
export async function loadPolicies(
  named: readonly { file: string; path: string }[],
  before: PolicySet,
): Promise<{ policies: PolicySet; mistakes: PolicyMistake[] }> {
  const policies = new Map<string, LoadedPolicy>();
  const mistakes: PolicyMistake[] = [];
  for (const { file, path } of named) {
    if (policies.has(file)) continue;
    const loaded = await loadPolicy(file, before.get(file));
    if (typeof loaded === 'string') mistakes.push({ path, message: loaded });
    else policies.set(file, loaded);
  }
  return { policies, mistakes };
}

/** Tells modules whose policy is no longer in force; those that export `close` have something to end. */
export async function closePolicies(before: PolicySet, now: PolicySet, warn: (message: string) => void): Promise<void> {
  for (const [file, loaded] of before) {
    if (now.get(file) === loaded) continue;
    try {
      await loaded.close?.();
    } catch (error) {
      warn(`${file}: close() failed: ${saidBy(error)}`);
    }
  }
}

async function loadPolicy(file: string, before: LoadedPolicy | undefined): Promise<LoadedPolicy | string> {
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
    module = (await import(`${pathToFileURL(file).href}?load=${++loads}`)) as Record<string, unknown>;
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
  return error instanceof Error ? (error.message.split('\n', 1)[0] ?? error.name) : String(error);
}
