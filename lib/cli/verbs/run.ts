/** `tunvs run` runs a director on a device, as a configuration file or rules want it. */
import type { Command } from 'commander';
import type { Director } from '../../director/director.js';
import { readAccounts } from '../../values/accounts.js';
import { egresses } from '../../values/egress.js';
import { onStandbyChoices } from '../../health/options.js';
import { roles } from '../../values/role.js';
import { offloads } from '../../values/offload.js';
import { type Attachment, type Running, runDaemon } from '../../daemon/daemon.js';
import { onHangup } from '../../daemon/hangup.js';
import type { Log } from '../../daemon/log.js';
import { DEFAULT_NAME } from '../../daemon/daemon-name.js';
import type { ServiceManager } from '../../daemon/service-manager.js';
import { feedWatchdog } from '../../daemon/watchdog.js';
import {
  choiceArgument,
  cpusArgument,
  devicesArgument,
  fastPathArgument,
  integerArgument,
  nameArgument,
  offloadsArgument,
  markDevicesArgument,
  secondsArgument,
} from '../arguments.js';
import { type Ending, endedByError } from '../ending.js';
import { addEngineOptions, pathMtuArgument } from '../engine-options.js';
import { toJson } from '../json.js';
import { NewsPrinter } from '../news.js';
import { dropLostOutput } from '../output.js';
import { listeningOrTold, nameWhenFree } from '../run/after-takeover.js';
import { checkHost } from '../run/check-host.js';
import { announce, type Doors, readyFields, readySentence } from '../run/announce.js';
import { configurationOf } from '../run/configuration-of.js';
import type { Configuration } from '../run/configuration.js';
import { addControlOptions } from '../run/control-options.js';
import { addFleetOptions } from '../run/fleet-options.js';
import { doors, type Reload } from '../run/doors.js';
import { onFileChange } from '../run/file-change.js';
import { Reloader } from '../run/reload.js';
import { dryRun } from '../run/dry-run.js';
import { levelOf, logChanges } from '../run/log-events.js';
import { addLogOptions, askedLog } from '../run/log-options.js';
import { followHealth } from '../run/log-health.js';
import type { RunOptions } from '../run/options.js';
import { statsLine } from '../run/stats-line.js';
import { addSyncOptions, keepSync, syncOptionsOf } from '../run/sync.js';
import { statusOf } from '../run/status.js';
import { type Tell, teller } from '../run/teller.js';
import { endSignal, statusSignals } from '../signals.js';
import type { CliIo, Verb, VerbContext } from '../verb.js';

const EXAMPLES = `
The command runs until SIGTERM or SIGINT, then undoes what it did to the host;
a second signal ends it at once. On SIGHUP, on "tunvs reload", and with
--reload-on-change when a file has changed, it reads the file again: what the
file changed since comes into force, and servers that stay keep their
connections. It puts back what somebody else changes on the host, and says so;
on SIGHUP it does that at once. On SIGUSR2 and SIGUSR1 it prints a line of
status on standard error, or in the log if one is asked for. Under systemd it
logs to the journal.

While it runs, "tunvsadm" lists and changes what it holds, "tunvs status" shows
it, and "curl --unix-socket /run/tunvs/tunvs.sock http://tunvs/v1/services" asks
its control API.

With --source alone it begins without services, as IPVS does, and "tunvsadm"
fills it; what it holds then ends with it, unless "tunvsadm -S --all" saves it.

With --etcd it takes services, servers and weights from etcd, together with all
directors of the prefix, and follows each change; what this director alone has
(source, device, control) stands in --config, or in options. "tunvs fleet" shows
the directors, and docs/fleet.md says what the keys hold.

It needs CAP_NET_ADMIN and CAP_NET_RAW: run as root, or under "unshare -Urnm".

Examples:
  $ tunvs run --config /etc/tunvs/tunvs.yaml
  $ tunvs run --keepalived /etc/keepalived/keepalived.conf --source 10.2.0.2
  $ tunvs run --source 10.2.0.2
  $ tunvs run --rules web.rules --source 10.2.0.2
  $ tunvs run --rules web.rules --source 10.2.0.2 --dry-run
  $ tunvs run --config /etc/tunvs/tunvs.yaml --state
  $ tunvs run --config /etc/tunvs/tunvs.yaml --state --takeover
  $ tunvs run --etcd http://10.2.0.5:2379 --prefix /tunvs/site --source 10.2.0.2
  $ tunvs run --config /etc/tunvs/tunvs.yaml --role standby
  $ ipvsadm -S -n | tunvs run --rules - --source 10.2.0.2 --device lvs0 \\
      --queues 4 --stats-interval 5

web.rules:
  -A -t 10.9.9.9:80 -s wlc
  -a -t 10.9.9.9:80 -r 10.2.0.11:80 -i -w 3
  -a -t 10.9.9.9:80 -r 10.2.0.12:80 -i -w 1 --tun-type gue --tun-port 6080
  -a -t 10.9.9.9:80 -r 10.2.0.13:80 -g -w 1`;

export const run: Verb = {
  name: 'run',
  summary: 'run a director: forward packets for virtual services to their real servers',

  configure(command: Command): void {
    command
      .option('--config <file>', 'configuration file; docs/configuration.md describes it')
      .option('--rules <file>', 'rules as ipvsadm -S -n prints them; - is standard input');
    command
      .option('--keepalived <file>', "keepalived's configuration; docs/keepalived.md says what is done of it")
      .option('--keepalived-id <id>', "what @ID in keepalived's file is compared with (default: the host's name)");
    addFleetOptions(command);
    addControlOptions(addLogOptions(addEngineOptions(command, { isSourceElsewhere: true })))
      .option('--path-mtu <bytes>', 'path MTU to the real servers (default: 1500)', pathMtuArgument)
      .option(
        '--device <name>',
        'TUN device, created unless it exists; one that exists stays, and the host is not set up (default: tunvs0)',
      )
      .option(
        '--queues <number>',
        'queues of the device, a thread each (default: one per CPU, at most 4)',
        integerArgument(1, 64),
      )
      .option(
        '--mark-device <mark[=name]>',
        'one more TUN device, for packets with this firewall mark, set by nftables for example; may be repeated',
        markDevicesArgument,
      )
      .option(
        '--egress <way>',
        `how packets leave: auto, ${egresses.join(', ')} (default: auto)`,
        choiceArgument(['auto', ...egresses]),
      )
      .option(
        '--offloads <names>',
        `packets in larger units: auto, off, or some of ${offloads.join(', ')} (default: auto)`,
        offloadsArgument,
      )
      .option(
        '--steering <way>',
        "what chooses a packet's queue: auto (a BPF program where the kernel takes it) or kernel (default: auto)",
        choiceArgument(['auto', 'kernel']),
      )
      .option('--cpus <list>', 'CPUs for the workers, one each, as in 2,4-6 (default: any)', cpusArgument)
      .option(
        '--busy-poll <microseconds>',
        'how long a worker looks again before it sleeps (default: up to 20 while packets come densely)',
        integerArgument(0, 1_000_000),
      )
      .option(
        '--fast-path <where>',
        'send packets of established connections on inside the kernel: off, auto, egress, or ingress:DEVICE[,DEVICE], ' +
          "which takes what comes in by these before the host's firewall; needs CAP_BPF (before Linux 6.17 CAP_PERFMON, too) " +
          '(docs/fast-path.md; default: off)',
        fastPathArgument,
      )
      .option(
        '--ring <devices>',
        "take what comes in by these devices for virtual addresses before the host's firewall and routes, by rings in " +
          'memory; needs CAP_NET_RAW and Linux 5.12, and no BPF (docs/rings.md)',
        devicesArgument,
      )
      .option(
        '--state [folder]',
        'keep the connections in a file there, so that the director that is started next goes on with them; the folder ' +
          'has to lie on a tmpfs (docs/redundancy.md; default: /run/tunvs/NAME)',
      )
      .option(
        '--takeover',
        'take the place of the director that runs with this name and state, if one does, without losing a packet',
      )
      .option(
        '--role <role>',
        'begin as active, or as standby: a standby has everything but what brings it packets on its host, until "tunvs ' +
          'role active" (docs/roles.md; default: active)',
        choiceArgument(roles),
      )
      .option(
        '--standby-checks <what>',
        'what health checks do while it is a standby: run or rest (default: run)',
        choiceArgument(onStandbyChoices),
      );
    addSyncOptions(command)
      .option('--bypass-qdisc', 'leave the queueing discipline out; needs --egress packet')
      .option(
        '--name <name>',
        'name of this daemon, which no other of the host has; its device is tunvs-NAME (default: tunvs)',
        nameArgument,
      )
      .option(
        '--user <user[:group]>',
        'when started as root, become this user first, with CAP_NET_ADMIN and CAP_NET_RAW alone',
      )
      .option('--reload-on-change', 'read the file again when it has changed')
      .option('--stats-interval <seconds>', 'print a line of rates at this interval', secondsArgument(0.1, 86400))
      .option('--json', 'print JSON, an object a line')
      .option('--dry-run', 'print what would be done to the host and in the director, and change nothing')
      .addHelpText('after', EXAMPLES);
  },

  async run({ options, io }: VerbContext<RunOptions>): Promise<void> {
    if (options.user !== undefined && !options.dryRun) {
      const { becomeUser, userIds } = await import('../../daemon/user.js');
      becomeUser(userIds(options.user, readAccounts()));
    }
    let say: Tell | undefined;
    const configuration = await configurationOf(options, io, () => say ?? teller(undefined, io));
    const planned = await configuration.plan();
    if (options.dryRun) return dryRun(configuration.open, planned, options.json ?? false, io);
    if (options.takeover) await checkHost(configuration.open, planned);
    dropLostOutput('run', io);
    const log = await askedLog(options, configuration.daemon.log, io);
    const tell = teller(log, io);
    say = tell;
    const [{ serviceManager }, { takeName }] = await Promise.all([
      import('../../daemon/service-manager.js'),
      import('../../daemon/name.js'),
    ]);
    const manager = serviceManager(process.env);
    const take = () => takeName(options.name ?? DEFAULT_NAME, options.name !== undefined);
    let name = options.takeover ? undefined : take();
    log?.info('starting', { name: options.name ?? DEFAULT_NAME, pid: process.pid }, 'the director starts');
    const end = endSignal();
    const status = statusSignals((line) => tell('info', 'status', line));
    try {
      const open = (signal: AbortSignal) => openDirector(configuration, signal);
      const answerStatus: Attachment = ({ director }) => {
        status.answer(statusOf(director));
        return { detach: () => status.answer(() => 'stopping') };
      };
      const told: Told = { options, configuration, io, tell, log, manager };
      const attached = await attachments(told);
      const all = [
        answerStatus,
        ...(options.takeover ? attached.map((each) => listeningOrTold(each, tell)) : attached),
      ];
      // Told when the signal comes: closing what is attached may take its time.
      end.signal.addEventListener('abort', () => {
        manager.stopping();
        log?.info('stopping', { signal: end.name }, 'the director ends');
      });
      const begin = async (running: Running) => {
        await configuration.begin(running);
        await running.director.completeTakeover();
        name ??= await nameWhenFree(take, tell);
      };
      const by = await runDaemon({ open, begin, attachments: all }, end.signal);
      if (by !== undefined) {
        const sentence = `process ${by} directs in this one's place`;
        log?.info('handedOver', { pid: by }, sentence);
        io.stdout.write(options.json ? stoppedEvent({ reason: 'takeover', pid: by }) : `tunvs run: ${sentence}\n`);
        return;
      }
      const ending: Ending = { reason: 'signal', signal: end.name };
      log?.info('stopped', { signal: end.name }, 'the director has ended, and the host is as it was');
      io.stdout.write(options.json ? stoppedEvent(ending) : `tunvs run: stopped by ${end.name}\n`);
    } catch (error) {
      log?.error('failed', {}, endedByError(error).message);
      // The sentence itself goes to standard error, as every failure's.
      if (options.json) io.stdout.write(stoppedEvent(endedByError(error)));
      throw error;
    } finally {
      name?.release();
      status.dispose();
      end.dispose();
    }
  },
};

const stoppedEvent = (ending: Ending) => `${toJson({ event: 'stopped', ...ending })}\n`;

interface Told {
  options: RunOptions;
  configuration: Configuration;
  io: CliIo;
  tell: Tell;
  log: Log | undefined;
  manager: ServiceManager;
}

async function attachments({ options, configuration, io, tell, log, manager }: Told): Promise<Attachment[]> {
  const isJson = options.json ?? false;
  const inLog =
    log && ((event: string, sentence: string, fields: object) => tell(levelOf(event), event, sentence, fields));
  let reloader: Reloader | undefined;
  const reloadAll: Reload = async (wish = {}) => {
    if (!wish.dryRun) manager.reloading();
    try {
      return await (reloader as Reloader).reload(wish);
    } finally {
      ready();
    }
  };
  let director: Director | undefined;
  let over: AbortSignal | undefined;
  let places: Doors = {};
  const opened = (addresses: Doors) => {
    places = addresses;
  };
  // The director may have been told to end meanwhile, and the service manager too.
  const sync = syncOptionsOf(options, configuration.daemon.sync);
  const ready = () => director && !over?.aborted && manager.ready(readySentence(director, places));
  return [
    (running) => {
      ({ director, over } = running);
      reloader = new Reloader({ director, configuration, io, tell, log, isJson });
      return { end: () => configuration.end() };
    },
    tellNews(new NewsPrinter('run', io, isJson, undefined, inLog)),
    onHangup(async () => {
      log?.reopen();
      // It has told what is wrong.
      await reloadAll().catch(() => {});
    }),
    ...(log === undefined ? [] : [logChanges(log)]),
    ...(configuration.health ? [followHealth(configuration.health, { tell, log, io, isJson })] : []),
    ...(await doors({ options, configuration, tell, log, reload: reloadAll, opened })),
    () => ({
      ready: () => {
        const running = director as Director;
        announce(running, places, options, io, tell);
        log?.info('ready', readyFields(running, places), readySentence(running, places));
        ready();
      },
    }),
    ...(sync ? [keepSync(sync, tell, options.takeover ?? false)] : []),
    ...(configuration.fleet ? [configuration.fleet(() => reloadAll())] : []),
    ...(isReloadedOnChange(options, configuration) ? [onFileChange(configuration, reloadAll)] : []),
    feedWatchdog(manager, log),
    ...(options.statsInterval === undefined ? [] : [statsEvery(options.statsInterval, isJson, io)]),
  ];
}

const isReloadedOnChange = ({ reloadOnChange }: RunOptions, { daemon }: Configuration) =>
  reloadOnChange ?? daemon.reload?.onChange ?? false;

function statsEvery(intervalMs: number, isJson: boolean, io: CliIo): Attachment {
  return ({ director, over }) => ({ ready: () => printStats(director, intervalMs, isJson, io, over) });
}

function tellNews(news: NewsPrinter): Attachment {
  return ({ director }) => {
    director.on('event', (event) => news.tell(event));
    director.on('role', (event) => news.role(event));
    // The rules' own warnings were printed with their lines.
    let isReady = false;
    director.on('warning', ({ message, about }) => isReady && about === 'host' && news.warn(message));
    return {
      // What has come up until then is announced.
      ready: () => {
        isReady = true;
      },
      end: () => news.end(),
    };
  };
}

async function openDirector({ open }: Configuration, signal: AbortSignal): Promise<Director> {
  const { Director } = await import('../../director/director.js');
  return Director.open({ ...open, signal });
}

async function printStats(
  director: Director,
  intervalMs: number,
  isJson: boolean,
  io: CliIo,
  over: AbortSignal,
): Promise<void> {
  try {
    for await (const sample of director.watch({ intervalMs, signal: over })) {
      io.stdout.write(`${isJson ? toJson({ event: 'stats', ...sample }) : statsLine(sample)}\n`);
    }
  } catch (error) {
    if (!over.aborted) throw error;
  }
}
