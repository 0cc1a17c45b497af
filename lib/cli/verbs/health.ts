/** `tunvs health` shows what a running director's checks have found of real servers. */
import type { Command } from 'commander';
import { addDaemonOptions, askDaemon, type DaemonArguments } from '../daemon-client.js';
import { toJson } from '../json.js';
import type { Verb, VerbContext } from '../verb.js';

interface HealthArguments extends DaemonArguments {
  json?: boolean;
}

const EXAMPLES = `
It shows each real server that is checked: its state and since when, what was
found last, why it is down, and what most likely mends it. Times are UTC.
docs/health.md says how servers are checked. GET /v1/services/.../health of the
control API has the last ten results of each check.

Examples:
  $ tunvs health
  $ tunvs health --json | jq '.services[].servers[] | select(.state != "up")'`;

export const health: Verb = {
  name: 'health',
  summary: 'show what the checks of a running director have found of real servers',

  configure(command: Command): void {
    addDaemonOptions(command)
      .option('--json', 'print JSON; docs/control.md describes it at GET /v1/health')
      .addHelpText('after', EXAMPLES);
  },

  async run({ options, io }: VerbContext<HealthArguments>): Promise<void> {
    const found = await askDaemon(options, (client) => client.health());
    if (options.json) {
      io.stdout.write(`${toJson(found)}\n`);
      return;
    }
    const [{ healthLines }, { cutLine, paint }] = await Promise.all([
      import('../health/screen.js'),
      import('../../demo/styled-line.js'),
    ]);
    const { columns = 100, isTTY = false } = io.stdout as Partial<NodeJS.WriteStream>;
    const color = isTTY && !process.env.NO_COLOR;
    for (const each of healthLines(found, columns, Date.now()))
      io.stdout.write(`${paint(cutLine(each, columns), color).trimEnd()}\n`);
  },
};
