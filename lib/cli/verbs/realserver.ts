/** `tunvs realserver` makes this host a real server until a signal ends it. */
import type { Command } from 'commander';
import { type RealServerMethod, realServerMethods } from '../../values/forwarding-method.js';
import { realServerModes } from '../../values/real-server-mode.js';
import type { RealServerHost } from '../../realserver/real-server-host.js';
import type { RealServerHostOptions } from '../../realserver/real-server-options.js';
import { addressesArgument, choiceArgument, choicesArgument, integersArgument, rangesArgument } from '../arguments.js';
import { printDryRun } from '../dry-run.js';
import { type Ending, endedByError } from '../ending.js';
import { toJson } from '../json.js';
import { NewsPrinter } from '../news.js';
import { dropLostOutput } from '../output.js';
import { tellOfStrangers } from '../realserver/strangers.js';
import { aborted } from '../../daemon/aborted.js';
import { closeBehind } from '../../daemon/close-behind.js';
import { endSignal, statusSignals } from '../signals.js';
import type { CliIo, Verb, VerbContext } from '../verb.js';
import { commandWords, count } from '../words.js';

interface Options {
  vip: string[];
  director: string[];
  forwarding?: RealServerMethod[];
  guePort?: number[];
  greChecksum?: boolean;
  mode?: NonNullable<RealServerHostOptions['mode']>;
  device?: string;
  offloads?: NonNullable<RealServerHostOptions['offloads']>;
  arp?: NonNullable<RealServerHostOptions['arpSuppression']>;
  dryRun?: boolean;
  json?: boolean;
}

export const realserver: Verb = {
  name: 'realserver',
  summary: 'make this host a real server: take tunnel packets for a virtual address',

  configure(command: Command) {
    command
      .requiredOption(
        '--vip <address>',
        'virtual address that this host answers for; may be repeated',
        addressesArgument,
      )
      .requiredOption(
        '--director <address>',
        'director whose tunnel packets this host takes, or a range like 10.2.1.0/28; may be repeated',
        rangesArgument,
      )
      .option(
        '--forwarding <methods>',
        'how packets come from the director: one or several of ipip, gue, gre and dr, separated by commas ' +
          '(default: ipip)',
        choicesArgument(realServerMethods),
      )
      .option('--gue-port <port>', 'UDP port of GUE; may be repeated (default: 6080)', integersArgument(1, 65535))
      .option('--gre-checksum', 'expect checksums in GRE packets (only kernel mode needs to know)')
      .option(
        '--mode <mode>',
        'kernel (its tunnel modules), userspace (sockets and a TUN device), bpf (as userspace, with a program in the ' +
          'kernel for most packets), or auto: the first of kernel and userspace that works (default: auto)',
        choiceArgument(realServerModes),
      )
      .option('--device <name>', 'name of the tunnel device where tunl0 and its like are not used (default: tunvs-rs0)')
      .option(
        '--offloads <choice>',
        'packets in larger units, in the modes userspace and bpf: auto or off (default: auto)',
        choiceArgument(['auto', 'off']),
      )
      .option(
        '--arp <when>',
        'when to keep silent about virtual addresses in ARP: auto (on a LAN shared with the director), on or off ' +
          '(default: auto)',
        choiceArgument(['auto', 'on', 'off']),
      )
      .option('--dry-run', 'print what would be done to the host and change nothing')
      .option('--json', 'print JSON, an object a line')
      .addHelpText(
        'after',
        `
How packets come to a real server, by the director's forwarding method
(ipvsadm's option):
  ipip  (-i)                 the packet behind another IP header, IPv4 or IPv6
                             in either; over any network
  gue   (-i --tun-type gue)  the same in UDP, to the port of --tun-port
  gre   (-i --tun-type gre)  the same behind a GRE header
  dr    (-g)                 the packet itself in a frame: director and real
                             server share a LAN

The host takes packets only from the directors named and only for the virtual
addresses named. It does not check the sender with dr, nor in kernel mode with
a range of directors: a firewall has to do that.

With dr the virtual address is put on lo, otherwise on the tunnel device. On a
LAN shared with the director the host keeps silent about it in ARP. A pool that
mixes methods takes one list: --forwarding dr,ipip. A TCP service listens on
the virtual address or on any; a UDP service has to bind to the virtual
address, or it answers from another one. The default gateway must not be the
director.

The command runs until SIGTERM or SIGINT, then prints what it counted and
undoes what it did to the host; --dry-run shows the commands. On SIGHUP it
checks the host at once and puts back what somebody else has changed. On
SIGUSR2 and SIGUSR1 it prints on standard error what was counted so far.

Examples:
  $ tunvs realserver --vip 10.9.9.9 --director 10.2.0.2
  $ tunvs realserver --vip 10.2.0.100 --vip 2001:db8:2::100 \\
      --director 10.2.0.2 --forwarding dr,ipip
  $ tunvs realserver --vip 10.9.9.9 --director 10.2.1.0/28 \\
      --forwarding gue --gue-port 6080`,
      );
  },

  async run({ options, io }: VerbContext) {
    const given = options as Options;
    const forwarding = given.forwarding ?? ['ipip'];
    const settings: RealServerHostOptions = {
      virtualAddresses: given.vip,
      directors: given.director,
      forwarding,
      ...(given.guePort && { guePorts: given.guePort }),
      ...(given.greChecksum && { greChecksum: true }),
      ...(given.mode && { mode: given.mode }),
      ...(given.device !== undefined && { device: given.device }),
      ...(given.offloads && { offloads: given.offloads }),
      ...(given.arp && { arpSuppression: given.arp }),
    };
    const print = (event: string, text: string, details: object) => {
      io.stdout.write(`${given.json ? toJson({ event, ...details }) : text}\n`);
    };
    // This import loads the native part, which --help does without.
    const { RealServerHost } = await import('../../realserver/real-server-host.js');
    if (given.dryRun) {
      const { devices, steps } = RealServerHost.rehearse(settings);
      const done = { verb: 'realserver', devices: devices.map((name) => ({ name })), host: steps, rules: [] };
      return printDryRun(done, { json: given.json ?? false }, io);
    }
    dropLostOutput('realserver', io);
    const end = endSignal();
    const status = statusSignals((line) => io.stderr.write(`tunvs realserver: ${line}\n`));
    let stopMending: (() => void) | undefined;
    try {
      const host = await RealServerHost.open(settings);
      for (const warning of host.warnings) io.stderr.write(`tunvs realserver: ${commandWords(warning)}\n`);
      status.answer(() => countersText(host.stats().counters) || 'packets of direct routing are not counted');
      const { mode, devices } = host;
      const places = devices.length === 0 ? 'by direct routing' : `on ${devices.join(', ')} (${mode} mode)`;
      print('ready', `real server for ${given.vip.join(', ')} ${places}`, {
        mode,
        devices,
        vip: given.vip,
        forwarding,
      });
      const failure = new AbortController();
      const news = new NewsPrinter('realserver', io, given.json ?? false);
      host.on('error', (error) => failure.abort(error));
      host.on('event', (event) => news.tell(event));
      const hangup = () => void mend(host, given.json ?? false, io);
      process.on('SIGHUP', hangup);
      stopMending = () => process.off('SIGHUP', hangup);
      const stopTelling = tellOfStrangers(
        () => (host.stats().counters as Record<string, bigint>).unknownDirector,
        (sentence) => io.stderr.write(`tunvs realserver: ${sentence}\n`),
      );
      await aborted(AbortSignal.any([end.signal, failure.signal]));
      const { counters } = host.stats();
      const stopped = () => {
        news.end();
        const by = failed ? 'an error' : end.name;
        const why: Ending = failed ? endedByError(failed.error) : { reason: 'signal', signal: by };
        print('stopped', [`stopped by ${by}`, countersText(counters)].filter(Boolean).join('; '), { ...why, counters });
      };
      const failed = failure.signal.aborted ? { error: failure.signal.reason } : undefined;
      status.answer(() => 'stopping');
      stopTelling();
      await closeBehind(failed, () => host.close().finally(stopped));
    } finally {
      stopMending?.();
      status.dispose();
      end.dispose();
    }
  },
};

function countersText(counters: Record<string, bigint>): string {
  return Object.entries(counters)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

/** On SIGHUP: checks the host now and puts back everything, even what was left alone for a while. */
async function mend(host: RealServerHost, isJson: boolean, io: CliIo): Promise<void> {
  try {
    const mended = await host.mendHost();
    const said = isJson
      ? toJson({ event: 'mended', mended })
      : `tunvs realserver: checked the host: ${count(mended, 'thing')} put back`;
    io.stdout.write(`${said}\n`);
  } catch (error) {
    io.stderr.write(`tunvs realserver: the host stays as it is: ${commandWords((error as Error).message)}\n`);
  }
}
