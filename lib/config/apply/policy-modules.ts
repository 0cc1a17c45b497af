/** Imports the policies that a configuration names. */
import { Policy } from '../../policy/policy.js';
import {
  closeModules,
  type LoadedModule,
  loadModules,
  type ModuleMistake,
  type ModuleUse,
  type NamedModule,
} from './modules.js';

interface LoadedPolicy extends LoadedModule {
  policy: Policy;
}

/** Policies by file. */
export type PolicySet = ReadonlyMap<string, LoadedPolicy>;

const USE: ModuleUse<LoadedPolicy> = {
  whose: "the policy's",
  read(exported, file) {
    const policy = exported.policy ?? exported.default;
    if (policy instanceof Policy) return { policy };
    return `the module ${file} has no policy: export one made by tablePolicy(), weightsPolicy() or connectionPolicy() of this tunvs, as \`policy\` or by default`;
  },
};

/** Returns a policy for each file, those of `before` where the text is the same; or what is wrong with them, all at once. */
export async function loadPolicies(
  named: readonly NamedModule[],
  before: PolicySet,
  patienceMs?: number,
): Promise<{ policies: PolicySet; mistakes: ModuleMistake[] }> {
  const { loaded, mistakes } = await loadModules(named, before, USE, patienceMs);
  return { policies: loaded, mistakes };
}

export const closePolicies = closeModules;
