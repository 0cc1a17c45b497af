/** `tunvs install-ipvsadm DIR`: programs that call ipvsadm drive a director of tunvs from now on. */
import type { Command } from 'commander';
import { changeLinks, type LinkChange, planLinks, shadowed } from '../ipvsadm-links.js';
import { toJson } from '../json.js';
import type { Verb, VerbContext } from '../verb.js';

interface Options {
  directory: string;
  force?: boolean;
  remove?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

export const installIpvsadm: Verb = {
  name: 'install-ipvsadm',
  summary: 'let programs that call ipvsadm drive a director of tunvs',

  configure(command: Command) {
    command
      .argument('<dir>', 'folder for the links ipvsadm, ipvsadm-save and ipvsadm-restore', (directory) => {
        command.setOptionValue('directory', directory);
        return directory;
      })
      .option('--force', 'replace files that are not links of tunvs')
      .option('--remove', 'remove the links again; files that are not links of tunvs stay')
      .option('--dry-run', 'print what would be done, and do nothing')
      .option('--json', 'print JSON')
      .addHelpText(
        'after',
        `
The links lead to tunvsadm, which takes ipvsadm's words and prints what ipvsadm
prints. A program finds them when their folder comes before that of Debian's
ipvsadm, /usr/sbin, in its PATH. /usr/local/sbin does so in the PATH of root, of
cron and of systemd. A program that calls /usr/sbin/ipvsadm by its path, as
ldirectord does, needs the links there: with --force they take the place of
Debian's files; say "dpkg-divert --local --rename /usr/sbin/ipvsadm" before, so
that an upgrade does not put them back.

The links talk to the daemon named tunvs. Set TUNVS_SOCKET=/run/tunvs/NAME.sock
in the environment of the program to choose another.

Examples:
  $ tunvs install-ipvsadm /usr/local/sbin
  $ tunvs install-ipvsadm /usr/local/sbin --remove`,
      );
  },

  async run({ options, io }: VerbContext) {
    const { directory, force, remove, dryRun, json } = options as Options;
    const changes = planLinks(directory, { isRemoving: remove ?? false, isForced: force ?? false });
    if (!dryRun) changeLinks(changes);
    const event = { event: 'links', verb: 'install-ipvsadm', isDryRun: dryRun ?? false, links: changes };
    io.stdout.write(json ? `${toJson(event)}\n` : changes.map((change) => sentence(change, dryRun ?? false)).join(''));
    const warning = remove ? undefined : shadowed(directory, process.env.PATH ?? '');
    if (warning !== undefined) io.stderr.write(`tunvs install-ipvsadm: ${warning}\n`);
  },
};

function sentence({ path, target, action }: LinkChange, isDryRun: boolean): string {
  if (action === 'keep') return `${path}: stays as it is\n`;
  const done = { make: 'made', replace: 'replaced', remove: 'removed' }[action];
  const leads = action === 'remove' ? '' : `, leads to ${target}`;
  return `${path}: ${isDryRun ? 'would be ' : ''}${done}${leads}\n`;
}
