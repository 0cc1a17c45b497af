/** `tunvs fleet` shows the directors of a fleet, and asks for one to be drained. */
import type { Command } from 'commander';
import type { FleetView } from '../../fleet/overview.js';
import { integerArgument, secondsArgument } from '../arguments.js';
import { addEtcdOptions, type EtcdArguments, etcdOf } from '../etcd-options.js';
import { type Wishes, wishesOf } from '../fleet/wishes.js';
import { toJson } from '../json.js';
import { type CliIo, Interrupted, UsageError, type Verb, type VerbContext } from '../verb.js';
import { count } from '../words.js';

interface FleetOptions extends EtcdArguments {
  config?: string;
  exitCode?: boolean;
  json?: boolean;
  rolling?: boolean;
  run?: string;
  connections?: number;
  /** Milliseconds. */
  wait?: number;
  /** Milliseconds. */
  timeout?: number;
  failover?: boolean;
  force?: boolean;
}

/** How often it looks how a director follows, in milliseconds. */
const POLL_MS = 300;

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

  drain DIRECTOR     asks the director to become a standby, so that routers or
                     keepalived send its traffic elsewhere, and waits until it
                     is one. Its connections stay in its table. It is refused
                     when no other director is active.
  undrain DIRECTOR   makes it what it was before
  drain --rolling [DIRECTOR...]
                     drains these, or all, one after the other, standbys first:
                     each becomes a standby, waits until its connections are
                     few or a time has passed, has its turn, and is back and
                     agrees before the next one begins. In its turn --run runs
                     a command, which finds the director's name in
                     TUNVS_DIRECTOR, and its host's in TUNVS_DIRECTOR_HOST;
                     without it the terminal asks for Enter. When a turn fails,
                     that director stays drained, and no other is touched.

Examples:
  $ tunvs fleet --etcd http://10.2.0.5:2379 --prefix /tunvs/site
  $ tunvs fleet --config /etc/tunvs/tunvs.yaml
  $ tunvs fleet --etcd http://10.2.0.5:2379 --prefix /tunvs/site drain lb1
  $ tunvs fleet --etcd http://10.2.0.5:2379 --prefix /tunvs/site undrain lb1
  $ tunvs fleet --config /etc/tunvs/tunvs.yaml drain --rolling \\
      --run 'ssh "$TUNVS_DIRECTOR_HOST" systemctl restart tunvs@web'
  $ etcdctl put /tunvs/site/services/web/servers/a 'address: 10.3.0.11'

docs/fleet.md says what the keys hold, and what happens while etcd is away.`;

export const fleet: Verb = {
  name: 'fleet',
  summary: 'show the directors that share a configuration by etcd, and who disagrees',

  configure(command: Command): void {
    addEtcdOptions(
      command.argument('[action]', '"drain" or "undrain"').argument('[names...]', 'which directors'),
      'ask these',
    )
      .option('--config <file>', "take what is not given here from the field etcd of a director's configuration")
      .option('--exit-code', 'exit with 1 if a director disagrees, runs by its cache or refuses what etcd holds')
      .option('--rolling', 'drain one director after the other')
      .option('--run <command>', 'what is done in the turn of a director, by sh')
      .option(
        '--connections <number>',
        'with so many connections, or fewer, a director has its turn (default: 0)',
        integerArgument(0, 1e9),
      )
      .option(
        '--wait <seconds>',
        'after this time it has its turn all the same (default: 30)',
        secondsArgument(0, 86_400),
      )
      .option(
        '--timeout <seconds>',
        'how long a director may take to become a standby, and to come back (default: 120)',
        secondsArgument(1, 86_400),
      )
      .option('--failover', 'count on a standby that is left: keepalived or another program makes it active')
      .option('--force', 'drain even if nobody is left, or not all is well')
      .option('--json', 'print JSON, while draining an object a line; docs/fleet.md describes it')
      .addHelpText('after', EXAMPLES);
  },

  async run({ options, operands, io }: VerbContext<FleetOptions>): Promise<void> {
    const [action, ...members] = operands;
    refuseMisfits(options, action, members, io);
    const etcd = await etcdOf(options.config === undefined ? options : await ofFile(options, options.config, io));
    for (const warning of etcd.warnings) io.stderr.write(`tunvs fleet: ${warning}\n`);
    try {
      const wishes = await wishesOf(etcd);
      if (action === undefined) await show(await wishes.read(), options, io);
      else await act({ action, members, wishes, options, io });
    } finally {
      etcd.client.close();
    }
  },
};

/** A mistake elsewhere in the file is nobody's matter here. */
async function ofFile(options: FleetOptions, file: string, io: CliIo): Promise<FleetOptions> {
  const [{ readConfig, readOperand }, { withEtcdOf }] = await Promise.all([
    import('../config-file.js'),
    import('../run/etcd-of-file.js'),
  ]);
  const found = await readConfig(file, await readOperand(file, io, { option: '--config' }));
  return withEtcdOf(options, 'spec' in found ? found.spec.etcd : found.etcd);
}

const OF_ROLLING = ['run', 'connections', 'wait'] as const;

function refuseMisfits(options: FleetOptions, action: string | undefined, members: readonly string[], io: CliIo): void {
  const { rolling, run } = options;
  if (action !== undefined && action !== 'drain' && action !== 'undrain')
    throw new UsageError(`"${action}" is nothing to do with a fleet: write drain or undrain, or leave it out`);
  if (rolling && action !== 'drain') throw new UsageError('--rolling is for drain: write drain --rolling');
  const alone = OF_ROLLING.find((name) => options[name] !== undefined);
  if (alone !== undefined && !rolling) throw new UsageError(`--${alone} is for drain --rolling: leave it out`);
  if (rolling && run === undefined && !(io.stdin as { isTTY?: boolean }).isTTY)
    throw new UsageError('--rolling: there is no terminal to ask at: give --run with a command');
  if (action === undefined || rolling) return;
  if (members.length === 0) throw new UsageError(`${action} needs the name of a director: "tunvs fleet" lists them`);
  if (members.length > 1) throw new UsageError(`${action} takes one director: write drain --rolling for several`);
}

interface Acting {
  action: string;
  members: readonly string[];
  wishes: Wishes;
  options: FleetOptions;
  io: CliIo;
}

/** A signal ends it, and it says what it leaves behind. */
async function act({ action, members, wishes, options, io }: Acting): Promise<void> {
  const [{ progress }, { endSignal }] = await Promise.all([import('../fleet/progress.js'), import('../signals.js')]);
  const { failover = false, force = false, timeout: timeoutMs = 120_000, json = false } = options;
  const end = endSignal();
  const { signal } = end;
  const say = progress(io, json);
  const times = { timeoutMs, pollMs: POLL_MS };
  try {
    if (options.rolling) {
      const [{ Rolling }, { askedTurn, commandTurn }] = await Promise.all([
        import('../fleet/rolling.js'),
        import('../fleet/turn.js'),
      ]);
      const turn = options.run === undefined ? askedTurn(io) : commandTurn(options.run, io);
      const { connections = 0, wait: waitMs = 30_000 } = options;
      const rolling = new Rolling({ wishes, say, turn, signal }, { failover, force, connections, waitMs, ...times });
      await rolling.run(members);
      return;
    }
    const { drain, undrain } = await import('../fleet/drain.js');
    const [member] = members as [string];
    if (action === 'drain') await drain(member, { failover, force }, { wishes, say, signal, ...times });
    else await undrain(member, { wishes, say, signal, ...times });
  } catch (error) {
    if (signal.aborted) throw new Interrupted(end.exitCode);
    throw error;
  } finally {
    end.dispose();
  }
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
