/** Opens a real server on a host, all of it or nothing. */
import { HeldParts } from '../host/held-parts.js';
import type { Host } from '../host/host.js';
import { planMadeDevices } from '../host/kernel-tunnel.js';
import type { Decapsulator } from './decapsulator.js';
import {
  openDoorWarnings,
  otherTunnelWarnings,
  planArpSuppression,
  planTunnelDevices,
  realServerWarnings,
} from './real-server-host-plan.js';
import type { CheckedRealServer } from './real-server-options.js';
import { DeviceNames } from './real-server-watch.js';
import { openTunnels } from './tunnels.js';

export interface OpenedRealServer {
  parts: HeldParts;
  devices: DeviceNames;
  /** Undefined in kernel mode. */
  decapsulator: Decapsulator | undefined;
  warnings: string[];
}

/** @throws {@link TunvsError}; the host is then as it was. */
export function openRealServer(checked: CheckedRealServer, host: Host): OpenedRealServer {
  const parts = new HeldParts(host);
  const { setup } = parts;
  let decapsulator: Decapsulator | undefined;
  try {
    setup.prepare();
    // This comes before the host has the addresses, because from then on it would answer ARP for them.
    parts.add((now) => planArpSuppression({ ...checked, tunnels: [] }, now));
    const opened = openTunnels(checked, host, setup);
    decapsulator = opened.decapsulator;
    const { tunnels, made } = opened;
    const devices = new DeviceNames(tunnels.map(({ name }) => name));
    // The devices are taken by the names that they have now.
    const plan = () => ({
      ...checked,
      tunnels: tunnels.map((tunnel, index) => ({ ...tunnel, name: devices.names[index] as string })),
    });
    const ofKernel = parts.addDone((found) => planMadeDevices(ofKernel.owned, found), made);
    parts.add((found) => planTunnelDevices(plan(), found));
    const warnings = [
      ...setup.warnings,
      ...realServerWarnings(plan(), host),
      ...(decapsulator === undefined ? openDoorWarnings(plan(), host) : otherTunnelWarnings(plan(), host)),
    ];
    return { parts, devices, decapsulator, warnings };
  } catch (error) {
    parts.clear();
    decapsulator?.close();
    throw error;
  }
}
