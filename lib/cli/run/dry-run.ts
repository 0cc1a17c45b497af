/** `tunvs run --dry-run` prints what would be done to the host and in the director. */
import type { DirectorOpenOptions } from '../../director/open-options.js';
import type { DirectorStats } from '../../stats/stats.js';
import { routedPrefixes } from '../../values/marks.js';
import { TunvsError } from '../../values/errors.js';
import { formatEndpoint } from '../../values/inet.js';
import { printDryRun } from '../dry-run.js';
import { type CliIo, UsageError } from '../verb.js';
import { checkHost } from './check-host.js';
import type { Planned } from './configuration.js';
import { deviceNames } from './device-names.js';

/** Refuses what opening would, as far as that can be known without privileges. */
export async function dryRun(
  options: DirectorOpenOptions,
  { services, marks, lines: rules }: Planned,
  isJson: boolean,
  io: CliIo,
): Promise<void> {
  const [{ DirectorHost }, { thisHost }, { natServersOf }, { isTunDevice }, { checkedOpenOptions }] = await Promise.all(
    [
      import('../../host/director-host.js'),
      import('../../host/host.js'),
      import('../../host/nat/nat-server.js'),
      import('../../host/tun-device.js'),
      import('../../director/director-options.js'),
    ],
  );
  const { start, native, host: link, role } = checkedOpenOptions(options);
  refuseDirectRouting(services, start.egress);
  if (options.takeover) {
    // The devices and the host are those of the director that runs.
    await checkHost(options, { services, marks });
    printDryRun({ verb: 'run', devices: [], host: [], rules }, { json: isJson }, io);
    return;
  }
  const opened = [start.device, ...start.markDevices];
  const isThere = (each: string) => thisHost.query(['ip', 'link', 'show', 'dev', each]) !== undefined;
  const names = deviceNames(
    opened.map((each) => each.name),
    isThere,
  );
  const name = names[0] as string;
  const marked = start.markDevices.map(({ mark }, index) => ({ name: names[index + 1] as string, mark }));
  const found = names.map((each, index) => {
    const option = index === 0 ? 'device.name' : 'markDevices.name';
    if (names.indexOf(each) < index) refuseOpen(each);
    return isTunDevice(thisHost, each, { option, queues: opened[index]?.queues ?? 1 });
  });
  const isSomeoneElses = found.includes(true);
  const host = new DirectorHost({ sources: native.sources, ...link });
  // A standby has nothing of what follows from services.
  const answered = role === 'active' ? services : [];
  const routed = routedPrefixes(answered, marks);
  // Where a device is there before, the host is somebody else's to set up.
  const sources = role === 'active' ? native.natSources : [];
  if (!isSomeoneElses) host.check(name, routed, marked, sources);
  const local = answered.filter(({ servers }) => servers.some(({ forwarding }) => forwarding === 'local'));
  const nat = {
    servers: answered.flatMap((service) => natServersOf(service, service.servers)),
    sources,
  };
  const steps = host.plan(name, routed, routedPrefixes(local, marks), marked, nat);
  const devices = [{ name }, ...marked];
  for (const device of start.fastPathIngress) if (!isThere(device)) refuseAbsent('the fast path', device);
  const rings = start.rings.map(({ device }) => device);
  for (const device of rings) if (!isThere(device)) refuseAbsent('a ring', device);
  const programs =
    native.fastPath === 'off'
      ? []
      : [
          ...names.map((device) => ({ hook: 'egress' as const, device })),
          ...start.fastPathIngress.map((device) => ({ hook: 'ingress' as const, device })),
        ];
  const there = names.length > 1 ? `devices ${names.join(', ')} are` : `device ${name} is`;
  const when = `once the ${there} there (a device that is there before is left as it is)`;
  printDryRun({ verb: 'run', devices, programs, rings, host: steps, rules }, { json: isJson, when }, io);
}

/** Says it in the words of the native part, which finds it on opening. */
function refuseOpen(name: string): never {
  const sentence = `device '${name}' is open in this process already: close what has it, or choose another name`;
  throw new TunvsError('ERR_TUNVS_BUSY', sentence);
}

/** As the native part says it. */
function refuseAbsent(who: string, name: string): never {
  throw new TunvsError('ERR_TUNVS_NO_DEVICE', `${who} finds no device ${name}: name one that is there (ip link)`);
}

/** Nobody knows the answer of "auto" without opening a socket. */
function refuseDirectRouting(services: DirectorStats['services'], egress: string): void {
  if (egress === 'auto' || egress === 'packet') return;
  const server = services.flatMap(({ servers }) => servers).find(({ forwarding }) => forwarding === 'dr');
  if (server === undefined) return;
  throw new UsageError(
    `--egress ${egress}: direct routing, as to ${formatEndpoint(server)}, needs the egress packet: choose ` +
      '--egress packet (which needs CAP_NET_RAW)',
  );
}
