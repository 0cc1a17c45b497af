/** `tunvs run` runs a director on a device, steered by a rules file. */
import type { Command } from 'commander';
import type { Director } from '../../director/director.js';
import { egresses } from '../../values/egress.js';
import { type Attachment, runDaemon } from '../../daemon/daemon.js';
import { onHangup } from '../../daemon/hangup.js';
import { rehearseRules } from '../../rules/rehearse.js';
import { reloadRules } from '../../rules/reload.js';
import { choiceArgument, integerArgument, markDevicesArgument, secondsArgument } from '../arguments.js';
import { addEngineOptions, engineOptions, pathMtuArgument } from '../engine-options.js';
import { toJson } from '../json.js';
import { NewsPrinter } from '../news.js';
import { readRules } from '../rules-file.js';
import { dryRun } from '../run/dry-run.js';
import type { RunOptions } from '../run/options.js';
import { statsLine } from '../run/stats-line.js';
import { endSignal } from '../signals.js';
import { type CliIo, UsageError, type Verb, type VerbContext } from '../verb.js';
import { commandWords } from '../words.js';

const EXAMPLES = `
Runs until SIGTERM or SIGINT, then undoes what it did to the host; a second signal ends it at once. SIGHUP reads the
rules again and changes only what differs: connections of servers that stay are kept. What somebody else changes on the
host is put back and told; SIGHUP does that at once.

It needs CAP_NET_ADMIN and CAP_NET_RAW: run as root, or under "unshare -Urnm".

Examples:
  $ tunvs run --rules web.rules --source 10.2.0.2
  $ tunvs run --rules web.rules --source 10.2.0.2 --dry-run
  $ ipvsadm -S -n | tunvs run --rules - --source 10.2.0.2 --device lvs0 --queues 4 --stats-interval 5

web.rules:
  -A -t 10.9.9.9:80 -s wlc
  -a -t 10.9.9.9:80 -r 10.2.0.11:80 -i -w 3
  -a -t 10.9.9.9:80 -r 10.2.0.12:80 -i -w 1 --tun-type gue --tun-port 6080
  -a -t 10.9.9.9:80 -r 10.2.0.13:80 -g -w 1`;

export const run: Verb = {
  name: 'run',
  summary: 'run a director: forward packets for virtual services to their real servers',

  configure(command: Command): void {
    command.requiredOption('--rules <file>', 'rules as ipvsadm -S -n prints them; - is standard input');
    addEngineOptions(command)
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
      .option('--stats-interval <seconds>', 'print a line of rates at this interval', secondsArgument(0.1, 86400))
      .option('--json', 'print JSON, an object a line')
      .option('--dry-run', 'print what would be done to the host and in the director, and change nothing')
      .addHelpText('after', EXAMPLES);
  },

  async run({ options, io }: VerbContext<RunOptions>): Promise<void> {
    const lines = await readRules({ file: options.rules, isTimed: false }, io);
    const rehearsed = await rehearseRules(lines, options.source);
    const planned = { services: rehearsed.stats().services, marks: rehearsed.marks };
    await rehearsed.close();
    if (options.dryRun) return dryRun(options, planned, lines, io);
    const end = endSignal();
    try {
      const open = (signal: AbortSignal) => openDirector(options, signal);
      await runDaemon({ open, rules: lines, attachments: attachments(options, io) }, end.signal);
    } finally {
      end.dispose();
    }
  },
};

function attachments(options: RunOptions, io: CliIo): Attachment[] {
  const isJson = options.json ?? false;
  return [
    tellNews(new NewsPrinter('run', io, isJson)),
    onHangup(({ director }) => reload(director, options, io)),
    ({ director }) => ({ ready: () => announce(director, options, io) }),
    ...(options.statsInterval === undefined ? [] : [statsEvery(options.statsInterval, isJson, io)]),
  ];
}

function statsEvery(intervalMs: number, isJson: boolean, io: CliIo): Attachment {
  return ({ director, over }) => ({ ready: () => printStats(director, intervalMs, isJson, io, over) });
}

function tellNews(news: NewsPrinter): Attachment {
  return ({ director }) => {
    director.on('event', (event) => news.tell(event));
    // The rules' own warnings were printed with their lines.
    director.on('warning', ({ message, about }) => about === 'host' && news.warn(message));
    return { end: () => news.end() };
  };
}

async function openDirector(options: RunOptions, signal: AbortSignal): Promise<Director> {
  const { Director } = await import('../../director/director.js');
  const { egress, markDevice: markDevices } = options;
  const device = {
    ...(options.device !== undefined && { name: options.device }),
    ...(options.queues !== undefined && { queues: options.queues }),
  };
  return Director.open({
    ...engineOptions(options, options.pathMtu),
    device,
    signal,
    ...(markDevices !== undefined && { markDevices }),
    ...(egress !== undefined && { egress }),
  });
}

function announce(director: Director, options: RunOptions, io: CliIo): void {
  for (const warning of director.warnings) io.stderr.write(`tunvs run: ${commandWords(warning)}\n`);
  const services = director.virtualServices.length;
  const servers = director.virtualServices.reduce((sum, service) => sum + service.realServers.length, 0);
  const { name, egress, attached } = director.device as NonNullable<Director['device']>;
  const { markDevices } = director;
  if (options.json) {
    io.stdout.write(`${toJson({ event: 'ready', device: name, attached, markDevices, egress, services, servers })}\n`);
    return;
  }
  const how = attached ? 'attached' : 'created';
  const marks = markDevices.map((device) => `, ${device.name} (mark ${device.mark})`);
  io.stdout.write(
    `tunvs run: ready on ${name} (${how}, egress ${egress})${marks.join('')}: ${count(services, 'virtual service')}, ${count(servers, 'real server')}\n`,
  );
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

/** Puts the host right, and keeps the old rules when the new ones hold a mistake. */
async function reload(director: Director, { rules, source, json }: RunOptions, io: CliIo): Promise<void> {
  const mended = await director.mendHost().catch((error: Error) => {
    io.stderr.write(`tunvs run: the host stays as it is: ${commandWords(error.message)}\n`);
    return 0;
  });
  try {
    if (rules === '-') {
      throw new UsageError('the rules came from standard input, which cannot be read again; start with a file');
    }
    const changes = await reloadRules(director, await readRules({ file: rules, isTimed: false }, io), source);
    const host = mended > 0 ? `, ${count(mended, 'thing')} of the host put back` : '';
    const said = json
      ? toJson({ event: 'reloaded', changes, mended })
      : `tunvs run: rules read again: ${count(changes, 'change')}${host}`;
    io.stdout.write(`${said}\n`);
  } catch (error) {
    io.stderr.write(`tunvs run: the rules stay as they are: ${commandWords((error as Error).message)}\n`);
  }
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
