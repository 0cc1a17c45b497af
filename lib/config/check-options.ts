/** Turns a check of a spec into the kind and the options that the library takes, and back to the fields of the file. */
import { checkKinds } from '../health/checks/index.js';
import type { CheckKind } from '../health/checks/kind.js';
import { fieldOf } from './schema/checks.js';
import type { CheckSpec } from './spec.js';

/** A check by a kind, with the options that its `make` takes. */
export interface KindCheck {
  kind: CheckKind;
  options: Record<string, unknown>;
}

/** A check by a function or a check that a module exports. */
export interface ModuleCheck {
  module: string;
}

const kinds = new Map((checkKinds as readonly CheckKind[]).map((kind) => [kind.name, kind]));

/** REQUIRES: the schema accepted the check, and a map has one field. */
export function readCheck(check: CheckSpec): KindCheck | ModuleCheck {
  if (typeof check === 'string') {
    const kind = kinds.get(check);
    return kind === undefined ? { module: check } : { kind, options: {} };
  }
  const [name, fields] = Object.entries(check)[0] as [string, Record<string, unknown>];
  const kind = kinds.get(name) as CheckKind;
  const names = Object.entries(kind.options).map(([option, type]) => [fieldOf(option, type), option]);
  const options = names.flatMap(([field, option]) =>
    fields[field as string] === undefined ? [] : [[option, fields[field as string]]],
  );
  return { kind, options: Object.fromEntries(options) };
}

/** The field of the file that an option of the kind stands in. */
export function fieldOfOption({ options }: CheckKind, option: string): string {
  const type = options[option];
  return type === undefined ? option : fieldOf(option, type);
}

export const takesPort = (check: KindCheck | ModuleCheck) =>
  'kind' in check && Object.hasOwn(check.kind.options, 'port');

/**
 * Whether what stands at a path of a spec is an option of a check that nobody prints, or a header or the URL of a
 * webhook: names, passwords and tokens stand in URLs as well.
 */
export function isSecretOfHealth(path: readonly (string | number)[]): boolean {
  const webhook = path.indexOf('webhook');
  if (webhook > 0 && path[webhook - 1] === 'notify')
    return path[webhook + 1] === 'headers' || path[webhook + 1] === 'url';
  const check = path.lastIndexOf('check');
  if (check < 0) return false;
  const [name, field] = path.slice(check + 1);
  const options = kinds.get(`${name}`)?.options ?? {};
  return Object.entries(options).some(([option, type]) => type.isSecret && fieldOf(option, type) === field);
}
