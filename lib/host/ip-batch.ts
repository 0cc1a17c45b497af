/** Runs many commands in few runs of ip(8). */
import { spawnSync } from 'node:child_process';
import { COMMAND_TIMEOUT_MS, failure } from './command-failure.js';
import type { HostCommand } from './step.js';

/** Words of ip(8) that go before its object. */
const FAMILY_WORDS: readonly string[] = ['-4', '-6'];

interface IpBatch {
  /** The words before the object. */
  options: readonly string[];
  /** The places of the commands in the list. */
  places: number[];
  lines: string[];
}

/** ip(8) goes on after a line that fails, and reports each failure with the line's number. */
function executeBatch({ options, places, lines }: IpBatch, results: (Error | undefined)[]): void {
  const [file = 'ip', ...words] = ['ip', ...options, '-force', '-batch', '-'];
  const { stderr, error } = spawnSync(file, words, {
    input: `${lines.join('\n')}\n`,
    encoding: 'utf8',
    timeout: COMMAND_TIMEOUT_MS,
  });
  const argvOf = (index: number) => ['ip', ...options, ...(lines[index] ?? '').split(' ')];
  if (error !== undefined) {
    for (const [index, place] of places.entries())
      results[place] = failure({ argv: argvOf(index) }, error.message, error);
    return;
  }
  let said: string[] = [];
  for (const line of stderr.split('\n')) {
    const index = Number(/^Command failed -:(\d+)/.exec(line)?.[1]) - 1;
    const place = places[index];
    if (place === undefined) {
      if (line !== '') said.push(line);
    } else {
      results[place] = failure({ argv: argvOf(index) }, said.join('; '), new Error(said.join('; ')));
      said = [];
    }
  }
}

/** Returns an error or nothing for each command, in their order; `run` runs those that are not ip(8)'s. */
export function runBatched(
  commands: readonly HostCommand[],
  run: (command: HostCommand) => void,
): (Error | undefined)[] {
  const results: (Error | undefined)[] = commands.map(() => undefined);
  let batch: IpBatch | undefined;
  const flush = () => {
    if (batch !== undefined) executeBatch(batch, results);
    batch = undefined;
  };
  for (const [place, command] of commands.entries()) {
    if (!('argv' in command)) {
      flush();
      results[place] = errorOf(() => run(command));
      continue;
    }
    const [, first = '', ...rest] = command.argv;
    const options = FAMILY_WORDS.includes(first) ? [first] : [];
    if (batch?.options[0] !== options[0]) flush();
    batch ??= { options, places: [], lines: [] };
    batch.places.push(place);
    batch.lines.push((options.length > 0 ? rest : [first, ...rest]).join(' '));
  }
  flush();
  return results;
}

export function errorOf(run: () => void): Error | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
