/** Turns what the schema finds into mistakes with places. */
import { inspect } from 'node:util';
import type { z } from 'zod';
import type { Path } from '../mistake.js';
import { expectedAt, fieldsAt } from '../schema/expected.js';
import { nearest } from './nearest.js';

export interface Finding {
  path: Path;
  /** The mistake is a field's name, not its value. */
  isName?: boolean;
  message: string;
  mend: string;
}

type Issue = z.core.$ZodIssue;

/** Nobody mends more at once; of a part that is wrong throughout, only so many are named. */
export const MOST_NAMED = 1000;

/** `path` is where the schema was put to use, in `value`, which is the whole. */
export function findingsOf(issues: readonly Issue[], path: Path, value: unknown): Finding[] {
  return issues.slice(0, MOST_NAMED).flatMap((issue) => finding(issue, path, value));
}

function finding(issue: Issue, outer: Path, value: unknown): Finding[] {
  const path = [...outer, ...issue.path] as (string | number)[];
  if (issue.code === 'unrecognized_keys') return issue.keys.slice(0, MOST_NAMED).map((key) => unknownField(path, key));
  const got = valueAt(value, path);
  if (issue.code === 'invalid_union') {
    const branch = meantBranch(issue.errors);
    if (branch !== undefined) return findingsOf(branch, path, value);
  }
  if (issue.code === 'custom') return [{ path, message: issue.message, mend: `write ${expectedAt(path)}` }];
  const expected = expectedAt(path);
  if (got === undefined) return [{ path, message: 'it is missing', mend: `write ${expected}` }];
  const near =
    typeof got === 'string' && issue.code === 'invalid_value' ? nearest(got, issue.values.map(String)) : undefined;
  return [
    {
      path,
      message: `${shown(got)} cannot stand here`,
      mend:
        near === undefined ? `write ${expected}` : `write ${near}, or another of ${expected.replace(/^one of /, '')}`,
    },
  ];
}

export function unknownField(path: Path, key: string): Finding {
  const known = fieldsAt(path);
  if (/^(\/\/|\/\*)/.test(key))
    return {
      path: [...path, key],
      isName: true,
      message: 'this is no comment',
      mend: 'begin comments with #, in JSON too',
    };
  const near = nearest(key, known);
  const mend = near === undefined ? `leave it out, or write one of ${known.join(', ')}` : `write ${near}`;
  return { path: [...path, key], isName: true, message: `there is no field "${key.slice(0, 80)}" here`, mend };
}

/** The branch that takes a value of this kind and finds fault inside of it, if one does. */
function meantBranch(errors: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const isInside = (issue: Issue) =>
    issue.path.length > 0 || issue.code === 'unrecognized_keys' || issue.code === 'custom';
  return errors.find((branch) => branch.some(isInside));
}

function valueAt(value: unknown, path: Path): unknown {
  let at: unknown = value;
  for (const part of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<string | number, unknown>)[part];
  }
  return at;
}

export function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  return inspect(value, { maxStringLength: 80 });
}
