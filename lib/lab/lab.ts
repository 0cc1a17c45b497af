/** A set of hosts, each a network namespace, joined by veth pairs; everything in it goes when it is disposed of. */
import { existsSync, readdirSync } from 'node:fs';
import { TunvsError } from '../values/errors.js';
import { labProblem, NETNS_FOLDER } from './isolation.js';
import { LabHost, runIp } from './lab-host.js';
import { isOwnerGone, owner, removeFoldersOfTheGone } from './leftovers.js';

/** Names are `tunvs-OWNER-COUNTER-HOST`, so that leftovers of a killed one can be recognised. */
const NAME = /^tunvs-(\d+-\d+-\d+)-\d+-/;

const labs = new Set<Lab>();
let counter = 0;

export class Lab {
  readonly #prefix: string;
  readonly #hosts: LabHost[] = [];

  /** Throws a sentence with the mend where no lab can be built. */
  static create(): Lab {
    const problem = labProblem();
    if (problem !== undefined) throw new TunvsError('ERR_TUNVS_HOST', problem);
    if (labs.size === 0) {
      removeLeftovers();
      process.once('exit', removeAllNow);
    }
    const lab = new Lab();
    labs.add(lab);
    return lab;
  }

  private constructor() {
    counter += 1;
    this.#prefix = `tunvs-${owner}-${counter}`;
  }

  get hosts(): readonly LabHost[] {
    return this.#hosts;
  }

  /** Makes a host with nothing but a loopback device; it has no IPv6 unless asked for. */
  async addHost(name: string, { ipv6 = false }: { ipv6?: boolean } = {}): Promise<LabHost> {
    const host = new LabHost(name, `${this.#prefix}-${name}`);
    // The host is noted first, so that a namespace that was half made goes as well.
    this.#hosts.push(host);
    runIp(['netns', 'add', host.namespace]);
    host.ip(['link set dev lo up']);
    if (existsSync('/proc/sys/net/ipv6')) await host.setSysctls(ipv6Sysctls(ipv6));
    return host;
  }

  /** Joins two hosts by a cable: device `left` in `host`, device `right` in `peer`, both up. */
  connect(host: LabHost, left: string, peer: LabHost, right: string): void {
    const ends = [
      'name',
      left,
      'netns',
      host.namespace,
      'type',
      'veth',
      'peer',
      'name',
      right,
      'netns',
      peer.namespace,
    ];
    runIp(['link', 'add', ...ends]);
    host.ip([`link set dev ${left} up`]);
    peer.ip([`link set dev ${right} up`]);
  }

  /** Ends its programs and removes its hosts. Calling it twice is fine. */
  async dispose(): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.stopAll()));
    this.removeNow();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** Does the same without waiting: programs are killed. */
  removeNow(): void {
    labs.delete(this);
    if (labs.size === 0) process.off('exit', removeAllNow);
    for (const host of this.#hosts.splice(0)) {
      host.killAll();
      removeNamespace(host.namespace);
    }
  }
}

/** Neighbour discovery and router solicitations would be noise in counters and captures, and DAD takes a second. */
function ipv6Sysctls(isWanted: boolean): Record<string, string> {
  const values = isWanted
    ? { disable_ipv6: '0', accept_dad: '0', accept_ra: '0', router_solicitations: '0' }
    : { disable_ipv6: '1' };
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      ['all', 'default'].map((device) => [`net/ipv6/conf/${device}/${name}`, value]),
    ),
  );
}

function removeAllNow(): void {
  for (const lab of labs) lab.removeNow();
}

/** Kills what runs in the namespace, grandchildren of a lab's programs included, and removes it. */
function removeNamespace(namespace: string): void {
  try {
    const pids = runIp(['netns', 'pids', namespace]).split('\n').filter(Boolean).map(Number);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
  } catch {
    // The programs ended by themselves.
  }
  try {
    runIp(['netns', 'del', namespace]);
  } catch {
    // The namespace is gone already.
  }
}

/** Removes the labs of processes that were killed before they could. */
function removeLeftovers(): void {
  removeFoldersOfTheGone();
  if (!existsSync(NETNS_FOLDER)) return;
  for (const namespace of readdirSync(NETNS_FOLDER)) {
    const named = NAME.exec(namespace)?.[1];
    if (named !== undefined && isOwnerGone(named)) removeNamespace(namespace);
  }
}
