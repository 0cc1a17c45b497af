/** `tunvs realserver`: makes this host a real server until a signal ends it. */
import type { Command } from 'commander';
import { formatHostCommand } from '../../host/step.js';
import type { RealServerHostOptions } from '../../real-server-host.js';
import { addressesArgument, choiceArgument } from '../arguments.js';
import { toJson } from '../json.js';
import { aborted, endSignal } from '../signals.js';
import type { Verb, VerbContext } from '../verb.js';

interface Options {
  vip: string[];
  director: string[];
  mode: NonNullable<RealServerHostOptions['mode']>;
  device: string;
  arp: NonNullable<RealServerHostOptions['arpSuppression']>;
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
        'director whose tunnel packets are taken; may be repeated',
        addressesArgument,
      )
      .option(
        '--mode <mode>',
        'auto, kernel (ipip module) or userspace (TUN device)',
        choiceArgument(['auto', 'kernel', 'userspace']),
        'auto',
      )
      .option('--device <name>', 'name of the tunnel device, unless tunl0 is used', 'tunvs-rs0')
      .option(
        '--arp <when>',
        'keep silent about virtual addresses in ARP: auto (on a LAN shared with the director), on or off',
        choiceArgument(['auto', 'on', 'off']),
        'auto',
      )
      .option('--dry-run', 'print what would be done to the host, and do nothing')
      .option('--json', 'a JSON object a line')
      .addHelpText(
        'after',
        '\nRuns until SIGTERM or SIGINT, then makes the host what it was. The service itself listens on the virtual\n' +
          'address or on any; the default gateway must not be the director.\n\n' +
          'Example:\n  tunvs realserver --vip 10.9.9.9 --director 10.2.0.2',
      );
  },

  async run({ options, io }: VerbContext) {
    const given = options as Options;
    const settings: RealServerHostOptions = {
      virtualAddresses: given.vip,
      directors: given.director,
      mode: given.mode,
      device: given.device,
      arpSuppression: given.arp,
    };
    const print = (event: string, text: string, details: object) => {
      io.stdout.write(`${given.json ? toJson({ event, ...details }) : text}\n`);
    };
    // Loads the native part, which --help does without.
    const { RealServerHost } = await import('../../real-server-host.js');
    if (given.dryRun) {
      for (const { description, command, undo } of RealServerHost.plan(settings)) {
        const shown = formatHostCommand(command);
        print('step', `${shown}    # ${description}`, {
          description,
          command: shown,
          undo: undo && formatHostCommand(undo),
        });
      }
      return;
    }
    const end = endSignal({ hangupEnds: true });
    try {
      const host = await RealServerHost.open(settings);
      for (const warning of host.warnings) io.stderr.write(`tunvs realserver: ${warning}\n`);
      const { mode, device } = host;
      print('ready', `real server for ${given.vip.join(', ')} on ${device} (${mode} mode)`, {
        mode,
        device,
        vip: given.vip,
      });
      await aborted(end.signal);
      const { counters } = host.stats();
      await host.close();
      const counted = Object.entries(counters).map(([name, value]) => `${name} ${value}`);
      print('stopped', `stopped; ${counted.join(', ')}`, { counters });
    } finally {
      end.dispose();
    }
  },
};
