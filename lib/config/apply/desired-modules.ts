/** The modules that a configuration names: policies, and checks. */
import { CHECK_MODULES, type CheckSet } from './check-modules.js';
import { checkModulesOf, type Desired, policiesOf } from './desired.js';
import { closeModules, loadModules, type ModuleMistake } from './modules.js';
import { closePolicies, loadPolicies, type PolicySet } from './policy-modules.js';

export interface Modules {
  policies: PolicySet;
  checks: CheckSet;
}

export const NO_MODULES: Modules = { policies: new Map(), checks: new Map() };

/** Those of `before` stay whose text is the same. */
export async function loadAll(desired: Desired, before: Modules): Promise<Modules & { mistakes: ModuleMistake[] }> {
  const { policies, mistakes } = await loadPolicies(policiesOf(desired), before.policies);
  const checks = await loadModules(checkModulesOf(desired), before.checks, CHECK_MODULES);
  return { policies, checks: checks.loaded, mistakes: [...mistakes, ...checks.mistakes] };
}

/** Ends those of `old` that are not in `now`. */
export async function closeOthers(old: Modules, now: Modules, warn: (message: string) => void): Promise<void> {
  await closePolicies(old.policies, now.policies, warn);
  await closeModules(old.checks, now.checks, warn);
}
