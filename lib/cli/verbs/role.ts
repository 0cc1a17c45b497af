/** `tunvs role` shows whether a running director is active or a standby, and makes it one of them. */
import { Argument, type Command } from 'commander';
import { type Role, roles } from '../../values/role.js';
import { choiceArgument } from '../arguments.js';
import { addDaemonOptions, askDaemon, type DaemonArguments } from '../daemon-client.js';
import { printable } from '../../values/printable.js';
import { toJson } from '../json.js';
import type { Verb, VerbContext } from '../verb.js';

interface RoleOptions extends DaemonArguments {
  json?: boolean;
}

const EXAMPLES = `
An active director has the routes of its virtual addresses on its host, answers
ARP and neighbour solicitations for them, and tells its neighbours when it
begins to. A standby has none of that; its services, its connections and its
health checks are as those of an active one. The command returns when the host
has followed. Setting the role that it has already changes nothing, so a script
may say it again and again; "active" tells the neighbours once more.

keepalived or another program decides who is active: docs/roles.md says how. A
director that is started anew begins with the role that "tunvs run --role" or
its configuration file says, whatever it was before. One that its fleet wishes
to drain is a standby meanwhile; what this command says counts all the same,
and stays when the wish is over.

Examples:
  $ tunvs role
  $ tunvs role active
  $ tunvs role standby --name blue
  $ tunvs role --json`;

export const role: Verb = {
  name: 'role',
  summary: 'show whether a running director is active or a standby, or make it one of them',

  configure(command: Command): void {
    addDaemonOptions(command.addArgument(new Argument('[role]', roles.join(' or ')).argParser(choiceArgument(roles))))
      .option('--json', 'print JSON: { role }, and { drain } where its fleet wishes that it is drained')
      .addHelpText('after', EXAMPLES);
  },

  async run({ options, operands, io }: VerbContext<RoleOptions>): Promise<void> {
    const wanted = operands[0] as Role | undefined;
    const found = await askDaemon(options, (client) => (wanted === undefined ? client.role() : client.setRole(wanted)));
    const { drain } = found;
    io.stdout.write(options.json ? `${toJson({ role: found.role, drain })}\n` : `${found.role}\n`);
    if (drain !== undefined && found.role === 'active' && wanted !== undefined)
      io.stderr.write(`tunvs role: ${overruled(drain)}\n`);
  },
};

const overruled = ({ by }: { by?: string | undefined }) =>
  `the director is to be drained${by === undefined ? '' : `, as ${printable(by)} wishes`}, and is active all the same: ` +
  '"tunvs fleet undrain" takes the wish back, and "tunvs role standby" obeys it';
