/** `tunvs health` shows what a running director's checks have found of real servers. */
import type { Command } from 'commander';
import type { HealthOverview } from '../../control/schema/health.js';
import { addDaemonOptions, askDaemon, type DaemonArguments } from '../daemon-client.js';
import { toJson } from '../json.js';
import type { CliIo, Verb, VerbContext } from '../verb.js';

interface HealthArguments extends DaemonArguments {
  service?: string;
  down?: boolean;
  exitCode?: boolean;
  json?: boolean;
}

const EXAMPLES = `
It shows each real server that is checked: its state and since when, what was
found last, why it is down, and what most likely mends it. Times are UTC.
docs/health.md says how servers are checked. GET /v1/services/.../health of the
control API has the last ten results of each check.

With --exit-code the exit code is 1 when a real server of what was asked for
gets no new connections because of its checks (down, held or starting), or when
a service lacks its quorum; without it, such a server changes no exit code.

Examples:
  $ tunvs health
  $ tunvs health --down
  $ tunvs health --service tcp:192.0.2.1:80 --exit-code
  $ tunvs health --json | jq '.services[].servers[] | select(.state != "up")'`;

export const health: Verb = {
  name: 'health',
  summary: 'show what the checks of a running director have found of real servers',

  configure(command: Command): void {
    addDaemonOptions(command)
      .option('--service <service>', 'show this service alone, as tcp:192.0.2.1:80 or mark:7')
      .option('--down', 'show only servers that get no new connections: down, held or starting')
      .option('--exit-code', 'exit with 1 if a server is out or a service lacks its quorum')
      .option('--json', 'print JSON; docs/control.md describes it at GET /v1/health')
      .addHelpText('after', EXAMPLES);
  },

  async run({ options, io }: VerbContext<HealthArguments>): Promise<void> {
    const { ofService, outOf, serviceArgument, trouble, Unwell } = await import('../health/selection.js');
    const service = options.service === undefined ? undefined : serviceArgument(options.service);
    const all = await askDaemon(options, (client) => client.health());
    const asked = service === undefined ? all : ofService(all, service);
    const shown = options.down ? outOf(asked) : asked;
    if (options.json) io.stdout.write(`${toJson(shown)}\n`);
    else await printScreen(asked, shown, io);
    const sentence = options.exitCode ? trouble(asked) : undefined;
    if (sentence !== undefined) throw new Unwell(sentence);
  },
};

async function printScreen(asked: HealthOverview, shown: HealthOverview, io: CliIo): Promise<void> {
  const [{ healthLines }, { cutLine, paint }] = await Promise.all([
    import('../health/screen.js'),
    import('../../demo/styled-line.js'),
  ]);
  const { columns = 100, isTTY = false } = io.stdout as Partial<NodeJS.WriteStream>;
  const color = isTTY && !process.env.NO_COLOR;
  for (const each of healthLines(shown, columns, Date.now(), asked))
    io.stdout.write(`${paint(cutLine(each, columns), color).trimEnd()}\n`);
}
