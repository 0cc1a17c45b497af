/** Mistakes that only show when a configuration is tried out, all in one error. */
import { TunvsError } from '../../values/errors.js';
import type { SpecMistake } from './rehearse-spec.js';

/** What a configuration wants that the director, its host or a policy's module does not allow. */
export class SpecError extends TunvsError {
  /** All of them, each with the path of what is wrong. */
  readonly mistakes: readonly SpecMistake[];

  /** @internal */
  constructor(mistakes: readonly SpecMistake[]) {
    const said = mistakes.map(({ path, message }) => `${path}: ${message}`).join('\n');
    super('ERR_TUNVS_INVALID_ARGUMENT', said);
    this.mistakes = mistakes;
  }
}

export function refuseMistakes(mistakes: readonly SpecMistake[]): void {
  if (mistakes.length > 0) throw new SpecError(mistakes);
}
