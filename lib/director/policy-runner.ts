/** Puts the policy that a caller asks for in the place of the one that a service has. */
import { Policy, type PolicyBacking, type PolicyRunner } from '../policy/policy.js';
import type { PolicySubject } from '../policy/subject.js';
import { readArguments, refuse } from '../values/options.js';

/** Undefined keeps the policy that there is, null removes it. */
export function policyRunner(
  call: string,
  policy: Policy | null | undefined,
  now: PolicyRunner | undefined,
  subject: PolicySubject,
  backing: PolicyBacking,
): PolicyRunner | undefined {
  if (policy === null) return undefined;
  if (policy === undefined || policy === now?.policy) return now;
  return readArguments(call, () => {
    if (!(policy instanceof Policy))
      return refuse(
        `${call}: policy`,
        policy,
        'a policy made by tablePolicy(), weightsPolicy() or connectionPolicy(), or null for none',
      );
    return policy.runFor(subject, backing);
  });
}
