/** Imports the modules that a configuration names for policies, and says what is wrong with them. */
import { policiesOf } from './apply/desired.js';
import { desiredOf } from './apply/from-spec.js';
import { closePolicies, loadPolicies } from './apply/policy-modules.js';
import { divided, type Mistake } from './mistake.js';
import type { Origin, Origins, Spec } from './spec.js';

/** The code of the modules runs. Their policies are closed again. */
export async function policyMistakes({ spec, origins }: { spec: Spec; origins: Origins }): Promise<Mistake[]> {
  const { policies, mistakes } = await loadPolicies(policiesOf(desiredOf(spec, origins)), new Map());
  const closing: string[] = [];
  await closePolicies(policies, new Map(), (message) => closing.push(message));
  const placed = (path: string): Origin => origins.get(path) ?? { file: '', line: 1, column: 1 };
  return [
    ...mistakes.map(({ path, message }) => ({ path, ...placed(path), ...divided(message) })),
    ...closing.map((message) => ({ path: '', ...placed(''), message, mend: 'let it end without an error' })),
  ];
}
