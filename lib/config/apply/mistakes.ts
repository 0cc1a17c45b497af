/** Mistakes that only show when a configuration is tried out, all in one error. */
import { TunvsError } from '../../values/errors.js';
import { placeText } from '../mistake.js';
import type { Origin, Origins } from '../spec.js';
import type { SpecMistake } from './rehearse-spec.js';

/**
 * What a spec wants and the director does not allow, or what is wrong with the module of a policy. Its code is
 * ERR_TUNVS_INVALID_ARGUMENT.
 *
 * @example
 * ```ts
 * import { Director } from 'tunvs';
 * import { applySpec, SpecError } from 'tunvs/config';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const web = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
 * try {
 *   await applySpec(director, { source: '10.2.0.2', services: [{ ...web, servers: [{ address: '2001:db8::1' }] }] });
 * } catch (error) {
 *   if (!(error instanceof SpecError)) throw error;
 *   console.log(error.mistakes[0]?.path); // services[0].servers[0]
 * }
 * ```
 */
export class SpecError extends TunvsError {
  /** All of them, each with the path of what is wrong. */
  readonly mistakes: readonly SpecMistake[];

  /** @internal */
  constructor(mistakes: readonly SpecMistake[]) {
    super('ERR_TUNVS_INVALID_ARGUMENT', mistakes.map(saidOf).join('\n'));
    this.mistakes = mistakes;
  }
}

function saidOf({ path, message, origin }: SpecMistake): string {
  return `${placeText(origin, path)}${message}`;
}

/** Runs `step`; the mistakes that leave it name their files. */
export async function placed<T>(origins: Origins | undefined, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof SpecError) || origins === undefined) throw error;
    throw new SpecError(error.mistakes.map((mistake) => ({ ...mistake, ...placeOf(origins, mistake.path) })));
  }
}

/** An object may have no place of its own; the first of its values has one, or what holds it. */
function placeOf(origins: Origins, path: string): Pick<SpecMistake, 'origin'> {
  for (let at = path; at !== ''; at = at.replace(/(?:^|[.[])[^.[]*$/, '')) {
    const origin = origins.get(at) ?? firstWithin(origins, at);
    if (origin !== undefined) return { origin };
  }
  return {};
}

function firstWithin(origins: Origins, path: string): Origin | undefined {
  for (const [each, origin] of origins) if (each.startsWith(`${path}.`) || each.startsWith(`${path}[`)) return origin;
  return undefined;
}

export function refuseMistakes(mistakes: readonly SpecMistake[]): void {
  if (mistakes.length > 0) throw new SpecError(mistakes);
}
