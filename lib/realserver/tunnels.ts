/** Where a real server's tunnel packets are decapsulated: in devices of the kernel, or here. */
import { familyOf } from '../host/family.js';
import type { Host } from '../host/host.js';
import type { HostSetup } from '../host/host-setup.js';
import { modulesFor, openKernelTunnels, planKernelTunnels, type TunnelDevice } from '../host/kernel-tunnel.js';
import type { HostStep } from '../host/step.js';
import { TunvsError } from '../values/errors.js';
import { Decapsulator } from './decapsulator.js';
import type { CheckedRealServer } from './real-server-options.js';

export interface OpenedTunnels {
  /** Empty with direct routing alone. */
  tunnels: readonly TunnelDevice[];
  /** What was done to the host for the devices. */
  made: HostStep[];
  /** Undefined in kernel mode. */
  decapsulator: Decapsulator | undefined;
}

/** @throws {@link TunvsError}; `setup` keeps what was done to the host. */
export function openTunnels(checked: CheckedRealServer, host: Host, setup: HostSetup): OpenedTunnels {
  const made: HostStep[] = [];
  const ofKernel = takesApart(checked)
    ? undefined
    : openKernelTunnels(host, noting(setup, made), checked, checked.device);
  if (ofKernel === undefined && checked.mode === 'kernel') refuseKernelMode(checked, host);
  const tunnels = checked.methods.length === 0 ? [] : ofKernel;
  if (tunnels !== undefined) return { tunnels, made, decapsulator: undefined };
  const decapsulator = new Decapsulator(checked);
  return { tunnels: [userspaceTunnel(checked, decapsulator.device)], made, decapsulator };
}

/** What openTunnels() would do now, without trying to load modules; changes nothing. */
export function planTunnels(
  checked: CheckedRealServer,
  host: Host,
): Pick<OpenedTunnels, 'tunnels' | 'made'> & { isKernel: boolean } {
  const kernel = takesApart(checked) ? undefined : planKernelTunnels(host, checked, checked.device);
  if (kernel === undefined && checked.mode === 'kernel') refuseKernelMode(checked, host);
  const tunnels = kernel?.devices ?? [userspaceTunnel(checked, checked.device)];
  return {
    tunnels: checked.methods.length === 0 ? [] : tunnels,
    made: kernel?.steps ?? [],
    isKernel: kernel !== undefined,
  };
}

/** Notes what is applied as `made`. */
function noting(setup: HostSetup, made: HostStep[]): Pick<HostSetup, 'apply' | 'undo'> {
  return {
    apply: (steps) => {
      setup.apply(steps);
      made.push(...steps);
    },
    undo: (steps) => {
      if (steps !== undefined) made.splice(0, made.length, ...made.filter((step) => !steps.includes(step)));
      return setup.undo(steps);
    },
  };
}

/** Packets are not for the kernel's tunnel devices. */
const takesApart = ({ mode }: CheckedRealServer) => mode === 'userspace' || mode === 'bpf';

function userspaceTunnel({ virtualAddresses }: CheckedRealServer, name: string): TunnelDevice {
  const families = ([4, 6] as const).filter((family) => virtualAddresses.some((vip) => familyOf(vip) === family));
  return { name, isShared: false, families };
}

function refuseKernelMode(checked: CheckedRealServer, host: Host): never {
  const modules = modulesFor(checked, host).join(' ');
  throw new TunvsError(
    'ERR_TUNVS_UNSUPPORTED',
    `this kernel lacks tunnel modules: load them with "modprobe -a ${modules}", or choose mode "userspace"`,
  );
}
