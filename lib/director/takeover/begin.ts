/** Begins to take the place of the director that runs, where one does. */
import type { NativeStartOptions } from '../../native/engine.js';
import { TunvsError } from '../../values/errors.js';
import type { Role } from '../../values/role.js';
import type { Common } from './protocol.js';
import { type TakenDevice, Taker } from './taker.js';

export interface TakeoverUnderWay {
  /** The process whose place is taken. */
  pid: number;
  /** The role that it has. */
  role: Role;
  start: NativeStartOptions;
  isUnderWay: boolean;
  /** The native part gets the descriptors of the devices now, and closes them. */
  starts(): void;
  /** The director closes before it was complete: the other ends, and its connections are kept. */
  abandon(): void;
  /** `resume` has the workers begin. */
  complete(resume: () => void): Promise<void>;
}

/**
 * Stops the director that runs with this state; packets wait from here on. Returns undefined where there is none.
 *
 * @throws {@link TunvsError} ERR_TUNVS_BUSY when it cannot be taken over with these options; it goes on then.
 */
export function beginTakeover(
  folder: string,
  start: NativeStartOptions,
  common: Common,
  undo: (() => void)[],
): TakeoverUnderWay | undefined {
  const taker = Taker.connect(folder);
  if (taker === undefined) return undefined;
  let hasStarted = false;
  undo.push(() => taker.abandon(hasStarted));
  const [main, ...marked] = taker.devices;
  const wanted = [start.device, ...start.markDevices];
  if (main === undefined || wanted.length !== taker.devices.length) throw changed('its devices');
  for (const [index, device] of taker.devices.entries()) {
    const { name, queues } = wanted[index] as NativeStartOptions['device'];
    if (!fits(name, device.name)) throw changed(`the device ${device.name}`);
    if (queues !== device.queues) throw changed(`the ${device.queues} queues of ${device.name}`);
    if (device.mark !== start.markDevices[index - 1]?.mark) throw changed('the devices of marks');
  }
  for (const [name, what] of Object.entries(COMMON) as [keyof Common, string][]) {
    if (taker.common[name] !== common[name]) throw changed(what);
  }
  taker.stop();
  return {
    pid: taker.pid,
    role: taker.role,
    isUnderWay: true,
    start: {
      ...start,
      device: { ...start.device, ...given(main) },
      markDevices: start.markDevices.map((device, index) => ({ ...device, ...given(marked[index] as TakenDevice) })),
      steersByProgram: taker.steering === 'bpf',
      isHeld: true,
    },
    starts() {
      hasStarted = true;
    },
    abandon() {
      taker.abandon(true);
      this.isUnderWay = false;
    },
    async complete(resume) {
      resume();
      await taker.end();
      this.isUnderWay = false;
    },
  };
}

const COMMON: Readonly<Record<keyof Common, string>> = {
  layout: 'layout of the state, which is that of another version of tunvs',
  maxConnections: 'maxConnections',
  namespace: 'network namespace',
  isPlain: "offloads, between 'off' and the others",
};

const given = ({ name, given: queues, attached }: TakenDevice) => ({ name, given: queues, wasAttached: attached });

/** `%d` stands for a number. */
function fits(wanted: string, name: string): boolean {
  const [before, after] = wanted.split('%d');
  if (after === undefined) return wanted === name;
  return name.startsWith(before as string) && name.endsWith(after);
}

function changed(what: string): TunvsError {
  return new TunvsError(
    'ERR_TUNVS_BUSY',
    `the director that runs cannot be taken over with another choice of ${what}: leave that as it is, or restart it`,
  );
}
