/** `tunvs convert` turns rules into a configuration, and a configuration into rules. */
import type { Command } from 'commander';
import { TunvsError } from '../../values/errors.js';
import { choiceArgument } from '../arguments.js';
import { isRules, readConfig, readOperand, sayMistakes } from '../config-file.js';
import type { CliIo, Verb, VerbContext } from '../verb.js';
import { count } from '../words.js';

interface ConvertOptions {
  to?: 'config' | 'rules';
  source?: string;
}

const EXAMPLES = `
What rules cannot hold is named on standard error, each thing by its path; the
rules are printed without it, and the exit code stays 0. Comments before rules
are kept. Rules do not name the director's address, so give it with --source;
without it the configuration takes it from the variable TUNVS_SOURCE.

Examples:
  $ tunvs convert web.rules --source 10.2.0.2 > tunvs.yaml
  $ tunvs convert tunvs.yaml > web.rules`;

export const convert: Verb = {
  name: 'convert',
  summary: 'turn rules into a configuration, or a configuration into rules',

  configure(command: Command): void {
    command
      .argument('<file>', 'configuration or rules to convert; "-" is standard input')
      .option('--to <form>', 'config or rules (default: the other one)', choiceArgument(['config', 'rules']))
      .option('--source <addresses>', "the director's own addresses (DIP), separated by commas")
      .addHelpText('after', EXAMPLES);
  },

  async run({ options, operands, io }: VerbContext<ConvertOptions>): Promise<void> {
    const [file = '-'] = operands;
    const bytes = await readOperand(file, io);
    const text = bytes.toString('utf8');
    const isOfRules = options.to === undefined ? isRules(file, text) : options.to === 'config';
    if (isOfRules) await toConfig(file, text, options, io);
    else await toRules(file, bytes, io);
  },
};

async function toConfig(file: string, text: string, { source }: ConvertOptions, io: CliIo): Promise<void> {
  const [{ checkRules }, { specFromRules }, { printConfig }, { ruleComments }] = await Promise.all([
    import('../../config/check-rules.js'),
    import('../../config/spec-from-rules.js'),
    import('../../config/print-spec.js'),
    import('../../config/rule-comments.js'),
  ]);
  const { lines, mistakes, warnings } = checkRules(text, file);
  if (await sayMistakes({ mistakes, warnings }, io)) throw unusable(file, mistakes.length);
  const said = specFromRules(lines);
  const sources = source?.split(',');
  const named = (sources?.length === 1 ? sources[0] : sources) ?? ({ env: 'TUNVS_SOURCE' } as never);
  io.stdout.write(printConfig({ source: named, ...said.spec }, ruleComments(text, said.lines)));
}

async function toRules(file: string, bytes: Uint8Array, io: CliIo): Promise<void> {
  const [{ rulesFromSpec }, { printRule }] = await Promise.all([
    import('../../config/rules-from-spec.js'),
    import('../../rules/print.js'),
  ]);
  const config = await readConfig(file, bytes);
  const mistakes = 'mistakes' in config ? config.mistakes : [];
  await sayMistakes({ mistakes, warnings: config.warnings }, io);
  if ('mistakes' in config) throw unusable(file, mistakes.length);
  const { rules, lost } = rulesFromSpec(config.spec);
  for (const { path, why } of lost) io.stderr.write(`${file}: ${path} is left out: ${why}\n`);
  io.stdout.write(rules.map((rule) => `${printRule(rule)}\n`).join(''));
}

function unusable(file: string, mistakes: number): TunvsError {
  return new TunvsError(
    'ERR_TUNVS_RULES',
    `${file}: ${count(mistakes, 'mistake')}: mend what is named, and convert again`,
  );
}
