/** Imports the checks that a configuration names: functions, or checks that a module made of a kind. */
import type { Check } from '../../health/checks/check.js';
import { type CheckFunction, functionCheck } from '../../health/checks/function.js';
import type { LoadedModule, ModuleUse } from './modules.js';

export interface LoadedCheck extends LoadedModule {
  check: Check;
}

/** Checks by file. */
export type CheckSet = ReadonlyMap<string, LoadedCheck>;

const isCheck = (value: unknown): value is Check => typeof (value as Partial<Check> | undefined)?.run === 'function';

export const CHECK_MODULES: ModuleUse<LoadedCheck> = {
  whose: "the check's",
  read(exported, file) {
    const given = exported.check ?? exported.default;
    if (isCheck(given)) return { check: given };
    if (typeof given === 'function') return { check: functionCheck(given as CheckFunction) };
    return `the module ${file} has no check: export an async function ({ server, connect, signal }) as \`check\` or by default`;
  },
};
