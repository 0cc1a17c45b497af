/** The kernel's own tunnel devices, where it has the modules: which are needed, and how to get them. */
import type { AddressFamily } from '../values/inet.js';
import { familyOf, ipCommand, localAddressTowards } from './family.js';
import { isSourceRange } from '../values/source.js';
import { findOurs } from './holds/holder.js';
import type { Host } from './host.js';
import type { HostSetup } from './host-setup.js';
import type { HostStep } from './step.js';

export type TunnelMethod = 'ipip' | 'gue' | 'gre';

/** What the tunnel packets come in. */
export interface TunnelNeeds {
  methods: readonly TunnelMethod[];
  directors: readonly string[];
  virtualAddresses: readonly string[];
  guePorts: readonly number[];
  /** A gre device takes packets with checksums or packets without, not both. */
  greChecksum: boolean;
}

/** A device that inner packets come out of. */
export interface TunnelDevice {
  name: string;
  /** The device stays when the program ends, as tunl0 does. */
  isShared: boolean;
  /** The families of the inner packets. */
  families: readonly AddressFamily[];
}

interface KernelDevice {
  type: 'ipip' | 'sit' | 'ip6tnl' | 'gre' | 'ip6gre';
  /** The device that appears once the module is loaded. */
  ofModule: string;
  /** A device to use itself: it takes what no other device takes, from anybody, and the kernel allows no second one. */
  fallback?: string;
  families: readonly AddressFamily[];
  /** The words after the type when we make a device of our own. */
  options: readonly string[];
}

/** Pure, except for the local address that GRE needs. Returns undefined when the local address is not known. */
function devicesFor(needs: TunnelNeeds, host: Host): KernelDevice[] | undefined {
  const inner = ([4, 6] as const).filter((family) => needs.virtualAddresses.some((vip) => familyOf(vip) === family));
  const devices: KernelDevice[] = [];
  for (const outer of outerFamilies(needs)) {
    const directors = needs.directors.filter((address) => familyOf(address) === outer);
    // A device for each director takes the packets of that one only; a device cannot be told a range.
    const remotes = directors.some(isSourceRange) ? [undefined] : directors;
    for (const remote of remotes) {
      if (needs.methods.includes('ipip') || needs.methods.includes('gue'))
        devices.push(...ipDevices(outer, inner, remote));
      if (!needs.methods.includes('gre')) continue;
      const local = localAddressTowards(host, remote ?? (directors[0] as string));
      if (local === undefined) return undefined;
      // A device with a local address goes before the fallback device, which takes no checksums.
      const options = ['local', local, ...from(remote), ...(needs.greChecksum ? ['icsum'] : [])];
      devices.push({ type: outer === 4 ? 'gre' : 'ip6gre', ofModule: 'gre0', families: inner, options });
    }
  }
  return devices;
}

const from = (remote: string | undefined) => (remote === undefined ? [] : ['remote', remote]);

function outerFamilies({ directors }: TunnelNeeds): AddressFamily[] {
  return ([4, 6] as const).filter((family) => directors.some((director) => familyOf(director) === family));
}

function ipDevices(outer: AddressFamily, inner: readonly AddressFamily[], remote: string | undefined): KernelDevice[] {
  const device = (
    type: KernelDevice['type'],
    ofModule: string,
    families: readonly AddressFamily[],
    mode: string[] = [],
  ): KernelDevice => ({
    type,
    ofModule,
    ...(remote === undefined && { fallback: ofModule }),
    families,
    options: [...from(remote), ...mode],
  });
  if (outer === 6) return [device('ip6tnl', 'ip6tnl0', inner, inner.includes(4) ? ['mode', 'any'] : [])];
  return inner.map((family) => (family === 4 ? device('ipip', 'tunl0', [4]) : device('sit', 'sit0', [6])));
}

/** Devices that the kernel makes with the modules; those that are up take what no other device takes. */
export const fallbackDevices: readonly string[] = ['tunl0', 'sit0', 'ip6tnl0', 'gre0', 'ip6gre0'];

/** Yields names for our own devices: `tunvs-rs0`, then `tunvs-rs1`, ... */
function* names(first: string): Generator<string, never> {
  const [, stem = first, digits = '0'] = /^(.*?)(\d*)$/.exec(first) ?? [];
  yield first;
  for (let number = Number(digits) + 1; ; number++) yield `${stem.slice(0, 15 - `${number}`.length)}${number}`;
}

/** Opens GUE's ports in the kernel. */
function receiveGue(needs: TunnelNeeds): HostStep[] {
  if (!needs.methods.includes('gue')) return [];
  return outerFamilies(needs).flatMap((outer) =>
    needs.guePorts.map((port) => {
      const example = outer === 4 ? '0.0.0.0' : '::';
      return {
        description: `receive GUE on UDP port ${port} (IPv${outer})`,
        command: { argv: ipCommand(example, 'fou', 'add', 'port', `${port}`, 'gue') },
        undo: { argv: ipCommand(example, 'fou', 'del', 'port', `${port}`) },
      };
    }),
  );
}

/** Finds the device that another real server of ours has made for the same packets: the kernel refuses a second one. */
function alreadyOurs(host: Host, { type, options }: KernelDevice): string | undefined {
  const wanted = ['type', type, ...options].join(' ');
  const made = findOurs(host, ({ command }) => 'argv' in command && command.argv.slice(5).join(' ') === wanted);
  return made !== undefined && 'argv' in made.command ? made.command.argv[4] : undefined;
}

function create({ type, options }: KernelDevice, name: string): HostStep {
  return {
    description: `create a device of type ${type}`,
    command: { argv: ['ip', 'link', 'add', 'name', name, 'type', type, ...options] },
    undo: { argv: ['ip', 'link', 'del', 'dev', name] },
  };
}

/** Returns the steps that made devices of our own, as a snapshot finds them. */
export function planMadeDevices(done: readonly HostStep[], host: Host): HostStep[] {
  return done
    .filter(({ command }) => 'argv' in command && command.argv.slice(0, 4).join(' ') === 'ip link add name')
    .map((step) => {
      const name = 'argv' in step.command ? (step.command.argv[4] ?? '') : '';
      return { ...step, isHeld: host.snapshot?.link(name) !== undefined };
    });
}

/** ip6tnl0 takes IPv6 only, until it is told otherwise; no other device can be told. */
function adapt(fallback: string, { type, options }: KernelDevice): HostStep[] {
  if (type !== 'ip6tnl' || options.length === 0) return [];
  const set = (mode: string) => ({ argv: ['ip', 'link', 'set', 'dev', fallback, 'type', type, 'mode', mode] });
  return [{ description: 'receive IPv4 packets as well', command: set('any'), undo: set('ip6ip6') }];
}

function exists(host: Host, name: string): boolean {
  return host.query(['ip', '-o', 'link', 'show', 'dev', name]) !== undefined;
}

const MODULES: Record<KernelDevice['type'], string> = {
  ipip: 'ipip',
  sit: 'sit',
  ip6tnl: 'ip6_tunnel',
  gre: 'ip_gre',
  ip6gre: 'ip6_gre',
};

/** Returns what `modprobe` must load for these needs. */
export function modulesFor(needs: TunnelNeeds, host: Host): string[] {
  const types = (devicesFor(needs, host) ?? []).map(({ type }) => MODULES[type]);
  return [...types, ...(needs.methods.includes('gue') ? ['fou'] : [])];
}

/**
 * Returns what a real server would use of this kernel without loading a module, and the steps; undefined if it lacks
 * some.
 */
export function planKernelTunnels(
  host: Host,
  needs: TunnelNeeds,
  firstName: string,
): { devices: TunnelDevice[]; steps: HostStep[] } | undefined {
  const wanted = devicesFor(needs, host);
  if (wanted === undefined || wanted.some(({ ofModule }) => !exists(host, ofModule))) return undefined;
  if (needs.methods.includes('gue') && host.query(['ip', 'fou', 'show']) === undefined) return undefined;
  return plan(wanted, needs, names(firstName));
}

function plan(wanted: readonly KernelDevice[], needs: TunnelNeeds, free: Generator<string, never>) {
  const steps = receiveGue(needs);
  const devices = wanted.map((device) => {
    const { fallback, families } = device;
    const name = fallback ?? free.next().value;
    steps.push(...(fallback === undefined ? [create(device, name)] : adapt(fallback, device)));
    return { name, isShared: fallback !== undefined, families };
  });
  return { devices, steps };
}

/**
 * Uses the fallback devices where they are there, otherwise devices of our own. Making those loads the modules where
 * that is possible, and then the fallback may be there after all. Returns undefined, with nothing changed, when the
 * kernel lacks something.
 */
export function openKernelTunnels(
  host: Host,
  setup: Pick<HostSetup, 'apply' | 'undo'>,
  needs: TunnelNeeds,
  firstName: string,
): TunnelDevice[] | undefined {
  const wanted = devicesFor(needs, host);
  if (wanted === undefined) return undefined;
  const free = names(firstName);
  const done: HostStep[] = [];
  const apply = (steps: HostStep[]) => {
    setup.apply(steps);
    done.push(...steps);
  };
  const useFallback = (device: KernelDevice, name: string) => {
    apply(adapt(name, device));
    return { name, isShared: true, families: device.families };
  };
  try {
    const devices = wanted.map((device): TunnelDevice => {
      const { fallback, families } = device;
      if (fallback !== undefined && exists(host, fallback)) return useFallback(device, fallback);
      const name = alreadyOurs(host, device) ?? free.next().value;
      try {
        apply([create(device, name)]);
        return { name, isShared: false, families };
      } catch (error) {
        if (fallback !== undefined && exists(host, fallback)) return useFallback(device, fallback);
        throw error;
      }
    });
    apply(receiveGue(needs));
    return devices;
  } catch {
    // The caller uses the other mode, or names the modules that are missing.
    setup.undo(done);
    return undefined;
  }
}

/** The types of device that would receive the same tunnel packets as we do. */
const TUNNEL_TYPES = ['ipip', 'sit', 'ip6tnl', 'gre', 'ip6gre'];

/** Returns the kernel's tunnel devices that are up, but `except`. */
export function otherTunnels(host: Host, except: readonly string[]): string[] {
  return TUNNEL_TYPES.flatMap((type) =>
    (host.query(['ip', '-o', 'link', 'show', 'up', 'type', type]) ?? '')
      .split('\n')
      .map((line) => /^\d+: ([^:@]+)/.exec(line)?.[1] ?? '')
      .filter((name) => name !== '' && !except.includes(name)),
  );
}
