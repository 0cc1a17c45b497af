/**
 * How services and real servers are named in labels: as node_exporter's ipvs collector does, so that rules and
 * dashboards that join on its labels go on working.
 */
import type { ServiceIdentity } from '../values/service-key.js';
import { type LabelSet, type Labels, labelSet } from './label-set.js';

export const SERVICE_LABELS = ['proto', 'local_address', 'local_port', 'local_mark'] as const;
export const SERVER_LABELS = [...SERVICE_LABELS, 'remote_address', 'remote_port'] as const;

/** A service by mark has no address and port 0, and its mark in 8 hexadecimal digits; `::` tells that of IPv6. */
export function serviceLabels({ protocol, address, port, lastPort, mark }: ServiceIdentity): Labels {
  if (mark !== undefined) {
    const local_address = address === '::' ? address : '';
    const local_mark = mark.toString(16).toUpperCase().padStart(8, '0');
    return { proto: 'FWM', local_address, local_port: '0', local_mark };
  }
  const local_port = lastPort === undefined ? `${port}` : `${port}-${lastPort}`;
  return { proto: protocol.toUpperCase(), local_address: address, local_port };
}

/** `service` is the label set of the server's service. */
export function serverLabels(service: LabelSet, { address, port }: { address: string; port: number }): LabelSet {
  const values = { ...service.values, remote_address: address, remote_port: `${port}` };
  // Neither an address nor a port needs an escape.
  const text = `${service.text.slice(0, -1)},remote_address="${address}",remote_port="${port}"}`;
  return { values, text };
}

export function labelsOfService(service: ServiceIdentity, more: Labels = {}): LabelSet {
  return labelSet({ ...serviceLabels(service), ...more });
}
