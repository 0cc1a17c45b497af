/** `tunvs config show` prints what a configuration asks for, with the origin of each value. */
import type { Command } from 'commander';
import { TunvsError } from '../../values/errors.js';
import type { ParsedConfig } from '../../config/parse-config.js';
import type { ShownValue } from '../../config/print-spec.js';
import { addDaemonOptions, askDaemon, type DaemonArguments } from '../daemon-client.js';
import { readConfig, readOperand, sayMistakes } from '../config-file.js';
import { toJson } from '../json.js';
import { type CliIo, UsageError, type Verb, type VerbContext } from '../verb.js';
import { count } from '../words.js';

interface ConfigOptions extends DaemonArguments {
  config?: string;
  json?: boolean;
}

const EXAMPLES = `
Each line is a value with the file and the line that it comes from. What is not
shown has the default of the library. Without --config it shows what is in force
at the running director, as its file said when it was read last; "tunvsadm -Ln"
shows what was changed by hand as well.

Examples:
  $ tunvs config show
  $ tunvs config show --config /etc/tunvs/tunvs.yaml
  $ tunvs config show --config tunvs.yaml --json`;

export const config: Verb = {
  name: 'config',
  summary: 'show what a configuration asks for, and where each value comes from',

  configure(command: Command): void {
    addDaemonOptions(command.argument('<what>', '"show"'))
      .option('--config <file>', 'configuration to read in place of a running director; "-" is standard input')
      .option('--json', 'print JSON: a list of { path, value, file, line, column }')
      .addHelpText('after', EXAMPLES);
  },

  async run({ options, operands, io }: VerbContext<ConfigOptions>): Promise<void> {
    if (operands[0] !== 'show')
      throw new UsageError(`"${operands[0]}" is nothing to do with a configuration: write show`);
    const { config: file, json } = options;
    const { showValues, shownValues } = await import('../../config/print-spec.js');
    if (file === undefined) {
      const values = await askDaemon(options, (client) => client.config());
      io.stdout.write(json ? `${toJson(values, 2)}\n` : showValues(values as ShownValue[]));
      return;
    }
    const { spec, origins } = await readOrRefuse(file, io);
    const values = shownValues(spec, origins);
    io.stdout.write(json ? `${toJson(values, 2)}\n` : showValues(values));
  },
};

async function readOrRefuse(file: string, io: CliIo): Promise<ParsedConfig> {
  const read = await readConfig(file, await readOperand(file, io, { option: '--config' }));
  const mistakes = 'mistakes' in read ? read.mistakes : [];
  await sayMistakes({ mistakes, warnings: read.warnings }, io);
  if (!('mistakes' in read)) return read;
  throw new TunvsError(
    'ERR_TUNVS_RULES',
    `${file}: ${count(mistakes.length, 'mistake')}: mend what is named, and show it again`,
  );
}
