/** The options of a spec that a running director cannot change. They are told, and everything else is applied. */
import { isDeepStrictEqual } from 'node:util';
import { openFields, secretFields } from '../library-options.js';
import type { Spec } from '../spec.js';
import { type PlannedChange, word } from './planned-changes.js';

const RESTART_FIELDS = [...openFields, 'control', 'etcd', 'sync'] as const;

/** `opened` is the spec with which the director was opened, so that a change is told until it is restarted. */
export function restartChanges(opened: Spec, next: Spec): PlannedChange[] {
  return RESTART_FIELDS.filter((name) => !isDeepStrictEqual(listed(opened[name]), listed(next[name]))).map((name) => {
    const [before, after] = [opened[name], next[name]];
    if (secretFields.includes(name)) {
      return {
        change: 'restart',
        what: 'option',
        name,
        sentence: `${name} needs a restart: it stays as it is until then`,
      };
    }
    return {
      change: 'restart',
      what: 'option',
      name,
      ...(before !== undefined && { before: { [name]: before } }),
      ...(after !== undefined && { after: { [name]: after } }),
      sentence: `${name}: ${said(before)} -> ${said(after)} needs a restart: it stays as it is until then`,
    };
  });
}

/** One source may be written without a list. */
const listed = (value: unknown) => (typeof value === 'string' ? [value] : value);

const said = (value: unknown) => (value === undefined ? 'the default' : value === false ? 'false' : word(value));
