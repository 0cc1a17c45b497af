/** Finds or makes the kernel's own IPIP device, where it has the `ipip` module. */
import type { Host } from './host.js';
import type { HostSetup } from './host-setup.js';
import type { HostStep } from './step.js';

/** The kernel's fallback device: takes every IPIP packet that no other device takes. */
const FALLBACK_DEVICE = 'tunl0';

export interface KernelTunnel {
  device: string;
  isShared: boolean;
}

export function hasFallbackDevice(host: Host): boolean {
  return host.query(['ip', '-o', 'link', 'show', 'dev', FALLBACK_DEVICE]) !== undefined;
}

export function createDevice(device: string): HostStep {
  return {
    description: 'create an IPIP device',
    command: { argv: ['ip', 'link', 'add', 'name', device, 'type', 'ipip'] },
    undo: { argv: ['ip', 'link', 'del', 'dev', device] },
  };
}

/**
 * tunl0, else a device of our own named `device` (which loads the module where it can be loaded, and then tunl0 may be
 * there after all), else undefined.
 */
export function openKernelTunnel(host: Host, setup: HostSetup, device: string): KernelTunnel | undefined {
  if (hasFallbackDevice(host)) return { device: FALLBACK_DEVICE, isShared: true };
  try {
    setup.apply([createDevice(device)]);
    return { device, isShared: false };
  } catch {
    return hasFallbackDevice(host) ? { device: FALLBACK_DEVICE, isShared: true } : undefined;
  }
}
