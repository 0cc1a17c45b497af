/** `tunvs reload` lets a running director read its file again, or says what that would change. */
import type { Command } from 'commander';
import { addDaemonOptions, askDaemon, type DaemonArguments } from '../daemon-client.js';
import { toJson } from '../json.js';
import type { Change } from '../run/configuration.js';
import { changeText } from '../run/reload.js';
import type { Verb, VerbContext } from '../verb.js';
import { count } from '../words.js';

interface ReloadOptions extends DaemonArguments {
  dryRun?: boolean;
  reset?: boolean;
  json?: boolean;
}

const EXAMPLES = `
What the file changed since it was read last comes into force, all of it or
nothing. What was changed by hand, as by "tunvsadm -e", and not in the file,
stays as it is; with --reset everything becomes as the file says. Servers that
stay keep their order and their connections. A mistake in the file changes
nothing, and the exit code is 1.

Examples:
  $ tunvs reload --dry-run
  $ tunvs reload
  $ tunvs reload --name blue --reset`;

export const reload: Verb = {
  name: 'reload',
  summary: 'let a running director read its configuration again',

  configure(command: Command): void {
    addDaemonOptions(command)
      .option('--dry-run', 'print what would change, and change nothing')
      .option('--reset', 'undo what was changed by hand, too')
      .option('--json', 'print JSON: { changes, mended }')
      .addHelpText('after', EXAMPLES);
  },

  async run({ options, io }: VerbContext<ReloadOptions>): Promise<void> {
    const { dryRun = false, reset = false, json = false } = options;
    const report = await askDaemon(options, (client) => client.reload({ dryRun, reset }));
    if (json) {
      io.stdout.write(`${toJson(report)}\n`);
      return;
    }
    const changes = report.changes as readonly Change[];
    const would = dryRun ? ' would be made' : '';
    io.stdout.write(
      [`${count(changes.length, 'change')}${would}`, ...changes.map((change) => `  ${changeText(change)}`), ''].join(
        '\n',
      ),
    );
  },
};
