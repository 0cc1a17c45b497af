/** Finds files of checks that cannot be used as they are. */
import type { FileUse } from '../../health/checks/kind.js';
import { fieldOfOption, readCheck } from '../check-options.js';
import type { Path } from '../mistake.js';
import type { CheckSpec, ServiceHealthSpec, Spec } from '../spec.js';
import type { Finding } from './issues.js';
import type { ServicePart } from './service-checks.js';

type AnyHealth = Pick<ServiceHealthSpec, 'check' | 'checks'>;

/** REQUIRES: the checks were accepted, and the names of files are absolute. */
export function uselessFiles(
  { health }: Pick<Spec, 'health'>,
  parts: readonly ServicePart[],
  { whyUseless }: { whyUseless(file: string, use: FileUse): string | undefined },
): Finding[] {
  const places: [AnyHealth, Path][] = health ? [[health, ['health']]] : [];
  for (const { index, service, servers } of parts) {
    if (service.health) places.push([service.health, ['services', index, 'health']]);
    for (const { index: at, server } of servers)
      if (server.health) places.push([server.health, ['services', index, 'servers', at, 'health']]);
  }
  const checks = places.flatMap(([{ check, checks: each = [] }, path]): [CheckSpec, Path][] => [
    ...(check === undefined ? [] : [[check, [...path, 'check']] as [CheckSpec, Path]]),
    ...each.map((timed, at) => [timed.check, [...path, 'checks', at, 'check']] as [CheckSpec, Path]),
  ]);
  // Many services may name the same file.
  const known = new Map<string, string | undefined>();
  const why = (file: string, use: FileUse) => {
    const key = `${use} ${file}`;
    if (!known.has(key)) known.set(key, whyUseless(file, use));
    return known.get(key);
  };
  return checks.flatMap(([check, path]) => {
    const read = readCheck(check);
    if ('module' in read) return [];
    const { kind, options } = read;
    return Object.entries(kind.options).flatMap(([name, option]) => {
      const file = options[name];
      if (option.type !== 'file' || option.mustBe === undefined || typeof file !== 'string') return [];
      const fault = why(file, option.mustBe);
      if (fault === undefined) return [];
      const message = `${file} is no use: ${fault}, and until that is mended the check says nothing of its servers`;
      const mend = option.mustBe === 'executable' ? 'write the path of a program' : 'write the path of such a file';
      return [{ path: [...path, kind.name, fieldOfOption(kind, name)], message, mend }];
    });
  });
}
