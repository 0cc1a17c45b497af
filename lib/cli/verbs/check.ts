/** `tunvs check` says all that is wrong with a configuration or with rules. */
import type { Command } from 'commander';
import { TunvsError } from '../../values/errors.js';
import { isKeepalived, isRules, readConfig, readKeepalived, readOperand, sayMistakes } from '../config-file.js';
import { toJson } from '../json.js';
import type { Verb, VerbContext } from '../verb.js';
import { count } from '../words.js';

interface CheckOptions {
  rules?: boolean;
  keepalived?: boolean;
  keepalivedId?: string;
  json?: boolean;
  policies?: boolean;
}

const EXAMPLES = `
FILE is a configuration (.yaml, .yml, .json), rules as "ipvsadm -S -n" prints
them (.rules), or keepalived's configuration (.conf); "-" is standard input.
All mistakes are said at once, each with file, line, column and what to do. The
exit code is 1 if there is a mistake; warnings do not change it.

A policy's module is looked for, and not imported, because that runs its code.
With --policies it is imported as the daemon would, and closed again.

Examples:
  $ tunvs check /etc/tunvs/tunvs.yaml
  $ tunvs check /etc/keepalived/keepalived.conf
  $ ipvsadm -S -n | tunvs check --rules -`;

export const check: Verb = {
  name: 'check',
  summary: "say what is wrong with a configuration, rules or keepalived's file",

  configure(command: Command): void {
    command
      .argument('<file>', 'configuration or rules to check')
      .option('--rules', 'take the file for rules, whatever its name')
      .option('--keepalived', "take the file for keepalived's, whatever its name")
      .option('--keepalived-id <id>', "what @ID in keepalived's file is compared with (default: the host's name)")
      .option('--json', 'print JSON: { mistakes, warnings }')
      .option('--policies', 'import the modules of policies as well, which runs their code')
      .addHelpText('after', EXAMPLES);
  },

  async run({ options, operands, io }: VerbContext<CheckOptions>): Promise<void> {
    const [file = '-'] = operands;
    const bytes = await readOperand(file, io);
    const text = bytes.toString('utf8');
    const isOfKeepalived = options.keepalived ?? (!options.rules && isKeepalived(file));
    const isOfRules = options.rules ?? (!isOfKeepalived && isRules(file, text));
    const found = isOfRules
      ? (await import('../../config/check-rules.js')).checkRules(text, file)
      : isOfKeepalived
        ? await readKeepalived(file, bytes, options)
        : await readConfig(file, bytes);
    const mistakes = 'mistakes' in found ? [...found.mistakes] : [];
    if (options.policies && 'spec' in found) {
      const { policyMistakes } = await import('../../config/check-policies.js');
      mistakes.push(...(await policyMistakes(found)));
    }
    const { warnings } = found;
    if (options.json) io.stdout.write(`${toJson({ mistakes, warnings })}\n`);
    else await sayMistakes({ mistakes, warnings }, io);
    if (mistakes.length > 0)
      throw new TunvsError(
        'ERR_TUNVS_RULES',
        `${file}: ${count(mistakes.length, 'mistake')}: mend what is named, and check again`,
      );
  },
};
