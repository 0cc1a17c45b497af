/** `tunvs fleet` shows the directors of a fleet, and asks for one to be drained. */
import { hostname, userInfo } from 'node:os';
import type { Command } from 'commander';
import type { FleetView } from '../../fleet/overview.js';
import { TunvsError } from '../../values/errors.js';
import { printableMembers } from '../../values/printable.js';
import { addEtcdOptions, type Etcd, type EtcdArguments, etcdOf } from '../etcd-options.js';
import { toJson } from '../json.js';
import { type CliIo, UsageError, type Verb, type VerbContext } from '../verb.js';
import { count } from '../words.js';

interface FleetOptions extends EtcdArguments {
  exitCode?: boolean;
  json?: boolean;
}

const EXAMPLES = `
A fleet is all directors that "tunvs run --etcd URLS --prefix PREFIX" runs with
the same prefix: they take services, servers and weights from etcd. Without an
action this command lists them as they tell it themselves, under leases: one
that ends, or is cut off from etcd, leaves the list within seconds.

The fingerprint stands for all that decides where packets go: services,
schedulers, servers and the weights in force. A director disagrees when its
fingerprint is another than that of most; its revision, its cache or the health
of its servers says why. With --exit-code the exit code is 1 when one disagrees,
runs by its cache or refuses what etcd holds.

  drain DIRECTOR    puts a key that says that the director is to get no more
                    packets. The director tells so in its log and in this list;
                    it goes on forwarding, and your routers or keepalived take
                    its traffic away.
  undrain DIRECTOR  takes the key away

Examples:
  $ tunvs fleet --etcd http://10.2.0.5:2379 --prefix /tunvs/site
  $ tunvs fleet --etcd http://10.2.0.5:2379 --prefix /tunvs/site drain lb1
  $ tunvs fleet --etcd http://10.2.0.5:2379 --prefix /tunvs/site undrain lb1
  $ etcdctl put /tunvs/site/services/web/servers/a 'address: 10.3.0.11'

docs/fleet.md says what the keys hold, and what happens while etcd is away.`;

export const fleet: Verb = {
  name: 'fleet',
  summary: 'show the directors that share a configuration by etcd, and who disagrees',

  configure(command: Command): void {
    addEtcdOptions(command.argument('[action]', '"drain" or "undrain"').argument('[director]', 'which'), 'ask these')
      .option('--exit-code', 'exit with 1 if a director disagrees, runs by its cache or refuses what etcd holds')
      .option('--json', 'print JSON; docs/fleet.md describes it')
      .addHelpText('after', EXAMPLES);
  },

  async run({ options, operands, io }: VerbContext<FleetOptions>): Promise<void> {
    const [action, member] = operands;
    if (action !== undefined && action !== 'drain' && action !== 'undrain')
      throw new UsageError(`"${action}" is nothing to do with a fleet: write drain or undrain, or leave it out`);
    if (action !== undefined && member === undefined)
      throw new UsageError(`${action} needs the name of a director: "tunvs fleet" lists them`);
    const etcd = await etcdOf(options);
    for (const warning of etcd.warnings) io.stderr.write(`tunvs fleet: ${warning}\n`);
    try {
      const view = printableMembers(await read(etcd));
      if (action === undefined) await show(view, options, io);
      else if (action === 'drain') await drain(etcd, view, member as string, io);
      else await undrain(etcd, view, member as string, io);
    } finally {
      etcd.client.close();
    }
  },
};

async function read({ client, layout }: Etcd): Promise<FleetView> {
  const [{ fleetView }, { below }] = await Promise.all([
    import('../../fleet/overview.js'),
    import('../../fleet/etcd/client.js'),
  ]);
  const [states, drains] = await Promise.all([
    client.readAll(below(layout.states)),
    client.readAll(below(layout.drains)),
  ]);
  return fleetView(layout, states, drains.kvs);
}

async function show(view: FleetView, { json, exitCode }: FleetOptions, io: CliIo): Promise<void> {
  if (json) io.stdout.write(`${toJson(view)}\n`);
  else {
    const { fleetLines } = await import('../fleet/screen.js');
    for (const line of fleetLines(view, Date.now())) io.stdout.write(`${line}\n`);
  }
  const odd = view.directors.filter(({ state, disagrees }) => disagrees || state?.from === 'cache' || state?.refused);
  if (!exitCode || odd.length === 0) return;
  const { Unwell } = await import('../health/selection.js');
  const names = odd.map(({ member }) => member).join(', ');
  const verb = odd.length === 1 ? 'differs' : 'differ';
  throw new Unwell(
    `${count(odd.length, 'director')} of ${view.directors.length} ${verb}: look into the log of ${names}`,
  );
}

async function drain({ client, layout }: Etcd, view: FleetView, member: string, io: CliIo): Promise<void> {
  const found = view.directors.find((each) => each.member === member);
  if (found?.state === undefined) {
    const names = view.directors.filter(({ state }) => state).map((each) => each.member);
    const mend =
      names.length === 0 ? 'none is there' : `there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}`;
    throw new TunvsError('ERR_TUNVS_NOT_FOUND', `no director of ${layout.prefix} is called ${member}: ${mend}`);
  }
  const by = `${userInfo().username}@${hostname()}`;
  await client.put(layout.drain(member), JSON.stringify({ sinceMs: found.drain?.sinceMs || Date.now(), by }));
  io.stdout.write(
    `${member} is to be drained: its log and "tunvs fleet" say so, and it goes on forwarding until routers or ` +
      `keepalived send it nothing more (${found.state.connections} connections now)\n`,
  );
}

async function undrain({ client, layout }: Etcd, view: FleetView, member: string, io: CliIo): Promise<void> {
  const many = await client.delete({ key: layout.drain(member) });
  if (many > 0) io.stdout.write(`${member} is no longer to be drained\n`);
  else {
    const names = view.directors.filter(({ drain: wish }) => wish).map((each) => each.member);
    const mend = names.length === 0 ? 'no director is' : `these are: ${names.join(', ')}`;
    throw new TunvsError('ERR_TUNVS_NOT_FOUND', `nobody wishes that ${member} is drained: ${mend}`);
  }
}
