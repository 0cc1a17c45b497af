/** `tunvs status` shows a running director on one screen. */
import type { Command } from 'commander';
import type { Status } from '../../daemon/status.js';
import { addDaemonOptions, askDaemon, type DaemonArguments } from '../daemon-client.js';
import { toJson } from '../json.js';
import type { Verb, VerbContext } from '../verb.js';

interface StatusOptions extends DaemonArguments {
  all?: boolean;
  json?: boolean;
}

const EXAMPLES = `
On a terminal it shows what fits on the screen, those in trouble first; --all
shows everything, as does a pipe. Rates are about half a second.

Examples:
  $ tunvs status
  $ tunvs status --name blue --all
  $ tunvs status --json | jq .table`;

export const status: Verb = {
  name: 'status',
  summary: 'show a running director on one screen',

  configure(command: Command): void {
    addDaemonOptions(command)
      .option('--all', 'show all services and servers, whether they fit on the screen or not')
      .option('--json', 'print JSON; docs/control.md describes it at GET /v1/status')
      .addHelpText('after', EXAMPLES);
  },

  async run({ options, io }: VerbContext<StatusOptions>): Promise<void> {
    const found: Status = await askDaemon(options, (client) => client.status());
    if (options.json) {
      io.stdout.write(`${toJson(found)}\n`);
      return;
    }
    const { statusScreen } = await import('../status/screen.js');
    const { columns = 100, rows, isTTY = false } = io.stdout as Partial<NodeJS.WriteStream>;
    const isCut = isTTY && !options.all && rows !== undefined;
    const color = isTTY && !process.env.NO_COLOR;
    // The prompt comes below.
    io.stdout.write(statusScreen(found, { columns, color, ...(isCut && { rows: rows - 1 }) }));
  },
};
