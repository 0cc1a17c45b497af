/** `tunvs convert` turns rules into a configuration, and a configuration into rules. */
import type { Command } from 'commander';
import type { ParsedConfig, RefusedConfig } from '../../config/parse-config.js';
import type { Spec } from '../../config/spec.js';
import { TunvsError } from '../../values/errors.js';
import { traitsOf } from '../../values/forwarding-method.js';
import { choiceArgument, rangesArgument } from '../arguments.js';
import { isKeepalived, isRules, readConfig, readKeepalived, readOperand, sayMistakes } from '../config-file.js';
import type { CliIo, Verb, VerbContext } from '../verb.js';
import { count } from '../words.js';

interface ConvertOptions {
  to?: 'config' | 'yaml' | 'rules';
  keepalived?: boolean;
  keepalivedId?: string;
  source?: string;
  natSource?: string[];
}

const EXAMPLES = `
What rules cannot hold is named on standard error, each thing by its path; the
rules are printed without it, and the exit code stays 0. Comments before rules
are kept. Rules do not name the director's address, so give it with --source;
without it the configuration takes it from the variable TUNVS_SOURCE. Nor do
they name the addresses of full NAT: give them with --nat-source.
keepalived's configuration (.conf) is turned into a configuration, or into rules
with --to rules; what is not done is named on standard error, with its line.

Examples:
  $ tunvs convert web.rules --source 10.2.0.2 > tunvs.yaml
  $ tunvs convert tunvs.yaml > web.rules
  $ tunvs convert --to yaml /etc/keepalived/keepalived.conf > tunvs.yaml`;

export const convert: Verb = {
  name: 'convert',
  summary: "turn rules or keepalived's file into a configuration, or a configuration into rules",

  configure(command: Command): void {
    command
      .argument('<file>', 'configuration or rules to convert; "-" is standard input')
      .option(
        '--to <form>',
        'config (or yaml) or rules (default: the other one)',
        choiceArgument(['config', 'yaml', 'rules']),
      )
      .option('--keepalived', "take the file for keepalived's, whatever its name")
      .option('--keepalived-id <id>', "what @ID in keepalived's file is compared with (default: the host's name)")
      .option('--source <addresses>', "the director's own addresses (DIP), separated by commas")
      .option(
        '--nat-source <address>',
        'address that packets get by full NAT, or range of addresses as 10.2.1.0/28; may be repeated',
        rangesArgument,
      )
      .addHelpText('after', EXAMPLES);
  },

  async run({ options, operands, io }: VerbContext<ConvertOptions>): Promise<void> {
    const [file = '-'] = operands;
    const bytes = await readOperand(file, io);
    const text = bytes.toString('utf8');
    if (options.keepalived ?? isKeepalived(file)) return fromKeepalived(file, bytes, options, io);
    const isOfRules = options.to === undefined ? isRules(file, text) : options.to !== 'rules';
    if (isOfRules) await toConfig(file, text, options, io);
    else await toRules(file, bytes, io);
  },
};

async function toConfig(file: string, text: string, { source, natSource }: ConvertOptions, io: CliIo): Promise<void> {
  const [{ checkRules }, { specFromRules }, { printConfig }, { ruleComments }] = await Promise.all([
    import('../../config/check-rules.js'),
    import('../../config/spec-from-rules.js'),
    import('../../config/print-spec.js'),
    import('../../config/rule-comments.js'),
  ]);
  const { lines, mistakes, warnings } = checkRules(text, file);
  if (await sayMistakes({ mistakes, warnings }, io)) throw unusable(file, mistakes.length);
  const said = specFromRules(lines);
  if (natSource === undefined && usesFullNat(said.spec)) io.stderr.write(`warning: ${file}: ${NO_NAT_SOURCE}\n`);
  const fullNat = natSource && { fullNat: { sources: natSource } };
  io.stdout.write(printConfig({ source: named(source), ...fullNat, ...said.spec }, ruleComments(text, said.lines)));
}

const NO_NAT_SOURCE =
  'the rules use full NAT, and cannot name its addresses: give them with --nat-source, or write fullNat.sources into ' +
  'the configuration';

const usesFullNat = ({ services = [] }: Pick<Spec, 'services'>) =>
  services.some(({ servers = [] }) => servers.some(({ forwarding = 'ipip' }) => traitsOf(forwarding).takesSource));

/** What rules and keepalived's files do not say. */
function named(source: string | undefined): string | string[] {
  const sources = source?.split(',');
  return (sources?.length === 1 ? sources[0] : sources) ?? ({ env: 'TUNVS_SOURCE' } as never);
}

async function fromKeepalived(file: string, bytes: Uint8Array, options: ConvertOptions, io: CliIo): Promise<void> {
  const { source, keepalivedId } = options;
  const sources = source?.split(',');
  const choice = { ...(keepalivedId !== undefined && { keepalivedId }), ...(sources && { source: sources }) };
  const found = await readKeepalived(file, bytes, choice);
  if (options.to === 'rules') return printRules(file, found, io);
  const mistakes = 'mistakes' in found ? found.mistakes : [];
  await sayMistakes({ mistakes, warnings: found.warnings }, io);
  if ('mistakes' in found) throw unusable(file, mistakes.length);
  const { printConfig } = await import('../../config/print-spec.js');
  const { source: _, ...spec } = found.spec;
  io.stdout.write(printConfig({ source: named(source), ...spec }));
}

async function toRules(file: string, bytes: Uint8Array, io: CliIo): Promise<void> {
  await printRules(file, await readConfig(file, bytes), io);
}

async function printRules(file: string, config: ParsedConfig | RefusedConfig, io: CliIo): Promise<void> {
  const [{ rulesFromSpec }, { printRule }] = await Promise.all([
    import('../../config/rules-from-spec.js'),
    import('../../rules/print.js'),
  ]);
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
