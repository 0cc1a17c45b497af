/** Lists what opening a real server would do to a host now, without doing it and without trying to load modules. */
import type { Host } from '../host/host.js';
import type { HostStep } from '../host/step.js';
import { isTunDevice } from '../host/tun-device.js';
import { planArpSuppression, planTunnelDevices } from './real-server-host-plan.js';
import type { CheckedRealServer } from './real-server-options.js';
import { planTunnels } from './tunnels.js';

/** @throws {@link TunvsError} for what opening would refuse and that can be known without privileges. */
export function rehearse(checked: CheckedRealServer, host: Host): { devices: string[]; steps: HostStep[] } {
  const { tunnels, made, isKernel } = planTunnels(checked, host);
  if (!isKernel) for (const { name } of tunnels) isTunDevice(host, name, { option: 'device' });
  const plan = { ...checked, tunnels };
  return {
    devices: tunnels.map(({ name }) => name),
    steps: [...planArpSuppression(plan, host), ...made, ...planTunnelDevices(plan, host)],
  };
}
