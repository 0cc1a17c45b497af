/** What an open director found on its host. */
import { networkInterfaces } from 'node:os';
import { inspect, type InspectOptions } from 'node:util';
import type { Egress } from '../values/egress.js';
import type { Offload } from '../values/offload.js';
import { addressFamily, canonicalAddress, parseRange } from '../values/inet.js';
import type { NativeFastPath, NativeRing, NativeStarted } from '../native/engine.js';
import { interfacesOnLink } from '../host/subnet.js';
import type { HostAddress } from '../host/host.js';
import { isSourceRange } from '../values/source.js';

/** A device that gives its packets a firewall mark. */
export interface MarkDevice {
  /** The name of the interface. */
  name: string;
  /** The firewall mark of packets that come by this device, [1, 2^32 - 1]. */
  mark: number;
  /** Whether the device existed before the director was opened; in that case close() leaves it there. */
  attached: boolean;
}

/** The device and the egress that {@link Director.open} took. */
export interface DirectorDevice {
  /** The name of the interface. */
  name: string;
  /** Whether the device existed before the director was opened; in that case close() leaves it there. */
  attached: boolean;
  /** What chooses the queue of a packet: a BPF program, the kernel's own flow table, or nothing where there is one queue. */
  steering: 'bpf' | 'kernel' | 'none';
  /** The way in which forwarded packets leave. */
  egress: Egress;
  /** The egresses that 'auto' passed over. */
  passedOver: {
    /** The egress that was not taken. */
    egress: string;
    /** The sentence that says why. */
    reason: string;
  }[];
  /** All offloads, and whether each is in force. */
  offloads: {
    /** The offload. */
    name: Offload;
    /** Whether it is in force. */
    isInForce: boolean;
    /** The reason why it is not in force; empty when it is. */
    reason: string;
  }[];
  /** The fast path in the kernel, as it is now. */
  readonly fastPath: {
    /** Whether it is in force at the egress of the director's devices, as of a second ago. */
    isInForce: boolean;
    /** The reason why it is not in force, or what is missing at an ingress; empty when nothing is. */
    reason: string;
    /** The places where its program is to run; an ingress whose device goes and comes back gets it again. */
    hooks: {
      /** The name that the interface has now, or had last. */
      device: string;
      /** Whether the program sees what leaves by the device, or what comes in. */
      hook: 'egress' | 'ingress';
      /** Whether the program is attached there. */
      isAttached: boolean;
      /** The reason why it is not; empty when it is. */
      reason: string;
    }[];
  };
  /** The rings that were asked for, as they were a second ago or later. */
  readonly rings: readonly {
    /** The name that the interface has now, or had last. */
    device: string;
    /** Whether it takes packets of the interface; also true while there is nothing to take. */
    isTaking: boolean;
    /** The reason why it does not take all that is for virtual addresses; empty when it does. */
    reason: string;
    /** How many addresses and ranges it takes. */
    prefixes: number;
    /** How many packets were lost because it was full. */
    dropped: number;
  }[];
}

export interface DeviceReadings {
  fastPath: () => NativeFastPath;
  rings: () => readonly NativeRing[];
}

/** What is read is read anew each time. */
export function directorDevice(started: NativeStarted, { fastPath, rings }: DeviceReadings): DirectorDevice {
  const { device, attached, steering, egress, passedOver, offloads } = started;
  const made: DirectorDevice = {
    ...{ name: device, attached, passedOver },
    get fastPath() {
      return fastPath() as DirectorDevice['fastPath'];
    },
    get rings() {
      return rings().map((each) => ({ ...each }));
    },
    steering: steering as DirectorDevice['steering'],
    egress: egress as Egress,
    offloads: offloads.map((each) => ({ ...each, name: each.name as Offload })),
  };
  // Without this, console.log() shows a getter and not what it gives.
  Object.defineProperty(made, inspect.custom, {
    value: (_depth: number, options: InspectOptions) => inspect({ ...made }, options),
  });
  return made;
}

/** `marks`: the devices of marks, in the order in which they were to be opened. */
export function markDevices({ markDevices: devices }: NativeStarted, marks: readonly number[]): MarkDevice[] {
  return devices.map(({ name, attached }, index) => ({ name, mark: marks[index] ?? 0, attached }));
}

/**
 * Returns a sentence for each source that the host does not have. A range is routed to the device, not added to the
 * host.
 */
export function sourceWarnings(sources: readonly string[], interfaces = networkInterfaces()): string[] {
  const entries = Object.values(interfaces).flatMap((each) => each ?? []);
  const local = new Set(entries.map((entry) => canonicalAddress(entry.address)));
  return sources.filter((source) => !isSourceRange(source) && !local.has(source)).map(warning);
}

/**
 * Returns a sentence for each address or range of full NAT that is in none of the host's networks: real servers send
 * their answers there, and nobody may know the way.
 */
export function natSourceWarnings(sources: readonly string[], host: { addresses(): readonly HostAddress[] }): string[] {
  if (sources.length === 0) return [];
  const addresses = host.addresses();
  return sources
    .filter((source) => !endsOf(source).every((end) => interfacesOnLink(addresses, [end], []).length > 0))
    .map(
      (source) =>
        `full NAT's source ${source} is in no network of this host, so real servers' answers come here by routes alone: ` +
        `route ${source} to the director, or name addresses of a network in which it is`,
    );
}

/** Returns the first address and the last one. */
function endsOf(source: string): string[] {
  if (!isSourceRange(source)) return [source];
  const { first, last } = parseRange(source) as { first: string; last: string };
  return [first, last];
}

function warning(source: string): string {
  const prefixLength = addressFamily(source) === 6 ? 128 : 32;
  return (
    `source ${source} is not an address of this host, so ICMP errors about tunnel packets will not come back: ` +
    `add it with "ip address add ${source}/${prefixLength} dev lo", or name another source`
  );
}
