/** What a check has answered, as plain values within bounds: whoever was asked may have said anything. */
import { printable } from '../values/printable.js';
import { CheckFailure, type FailureReason, type Finding, failureReasons, type WeightAdvice } from './checks/check.js';

/** Texts go to logs, terminals and receivers of news. */
const MAX_TEXT = 1000;

const UNREADABLE = 'the check has thrown what cannot be read';
const NO_FINDING: Finding = { passed: false, reason: 'failed', message: 'the check has answered with no finding' };

/** Never throws. */
export function plainFinding(answer: unknown): Finding {
  try {
    if (typeof answer !== 'object' || answer === null) return NO_FINDING;
    const { passed, reason, message, mend, warning, advice, isOwnFault } = answer as {
      [Name in keyof Finding]: unknown;
    };
    if (typeof passed !== 'boolean') return NO_FINDING;
    return {
      passed,
      ...(reason !== undefined && { reason: reasonOf(reason) }),
      message: textOf(message) ?? '',
      ...named('mend', textOf(mend)),
      ...named('warning', textOf(warning)),
      ...named('advice', adviceOf(advice)),
      ...(isOwnFault === true && { isOwnFault }),
    };
  } catch {
    // A getter or a proxy has thrown: what cannot be read is no finding.
    return NO_FINDING;
  }
}

/** The finding that an error stands for. Never throws. */
export function plainFailure(error: unknown): Finding {
  try {
    if (error instanceof CheckFailure) {
      const { reason, message, mend, isOwnFault } = error;
      return plainFinding({ passed: false, reason, message, mend, isOwnFault });
    }
    const message = textOf(error instanceof Error ? error.message : error);
    return { passed: false, reason: 'failed', message: message ?? UNREADABLE };
  } catch {
    // A getter or a proxy has thrown, so that nobody can read it.
    return { passed: false, reason: 'failed', message: UNREADABLE };
  }
}

const reasonOf = (reason: unknown): FailureReason => failureReasons.find((each) => each === reason) ?? 'failed';

function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  const text = String(value);
  return printable(text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}...` : text);
}

/** A copy: what is read later must be what was judged. */
function adviceOf(advice: unknown): WeightAdvice | undefined {
  if (typeof advice !== 'object' || advice === null) return undefined;
  const { weight, factor, add } = advice as Record<string, unknown>;
  if (isNumber(weight)) return { weight };
  if (isNumber(factor)) return { factor };
  return isNumber(add) ? { add } : undefined;
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

function named<Name extends string, T>(name: Name, value: T | undefined): { [Key in Name]?: T } {
  return value === undefined ? {} : ({ [name]: value } as { [Key in Name]?: T });
}
