/** Imports the modules that a configuration names for policies and checks, and says what is wrong with them. */
import { closeOthers, loadAll, NO_MODULES } from './apply/desired-modules.js';
import { desiredOf } from './apply/from-spec.js';
import { divided, type Mistake } from './mistake.js';
import type { Origin, Origins, Spec } from './spec.js';

/** The code of the modules runs, and ends again. */
export async function policyMistakes({ spec, origins }: { spec: Spec; origins: Origins }): Promise<Mistake[]> {
  const { mistakes, ...modules } = await loadAll(desiredOf(spec, origins), NO_MODULES);
  const closing: string[] = [];
  await closeOthers(modules, NO_MODULES, (message) => closing.push(message));
  const placed = (path: string): Origin => origins.get(path) ?? { file: '', line: 1, column: 1 };
  return [
    ...mistakes.map(({ path, message }) => ({ path, ...placed(path), ...divided(message) })),
    ...closing.map((message) => ({ path: '', ...placed(''), message, mend: 'let it end without an error' })),
  ];
}
