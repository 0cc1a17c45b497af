/** `tunvs config show` prints what a configuration asks for, with the origin of each value. */
import type { Command } from 'commander';
import { TunvsError } from '../../values/errors.js';
import { readConfig, readOperand, sayMistakes } from '../config-file.js';
import { toJson } from '../json.js';
import { UsageError, type Verb, type VerbContext } from '../verb.js';
import { count } from '../words.js';

interface ConfigOptions {
  config: string;
  json?: boolean;
}

const EXAMPLES = `
Each line is a value with the file and the line that it comes from. What is not
shown has the default of the library.

Examples:
  $ tunvs config show --config /etc/tunvs/tunvs.yaml
  $ tunvs config show --config tunvs.yaml --json`;

export const config: Verb = {
  name: 'config',
  summary: 'show what a configuration asks for, and where each value comes from',

  configure(command: Command): void {
    command
      .argument('<what>', '"show"')
      .requiredOption('--config <file>', 'configuration to read; "-" is standard input')
      .option('--json', 'print JSON: a list of { path, value, file, line, column }')
      .addHelpText('after', EXAMPLES);
  },

  async run({ options, operands, io }: VerbContext<ConfigOptions>): Promise<void> {
    if (operands[0] !== 'show')
      throw new UsageError(`"${operands[0]}" is nothing to do with a configuration: write show`);
    const { config: file, json } = options;
    const read = await readConfig(file, await readOperand(file, io));
    const mistakes = 'mistakes' in read ? read.mistakes : [];
    await sayMistakes({ mistakes, warnings: read.warnings }, io);
    if ('mistakes' in read)
      throw new TunvsError(
        'ERR_TUNVS_RULES',
        `${file}: ${count(mistakes.length, 'mistake')}: mend what is named, and show it again`,
      );
    const { showConfig, shownValues } = await import('../../config/print-spec.js');
    const { spec, origins } = read;
    io.stdout.write(json ? `${toJson(shownValues(spec, origins), 2)}\n` : showConfig(spec, origins));
  },
};
