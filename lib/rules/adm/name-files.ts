/** The files that name services and hosts: /etc/services and /etc/hosts. */
import { hostsLines } from '../../values/hosts-file.js';
import { canonicalAddress } from '../../values/inet.js';

export interface ServiceNames {
  /** By `PORT/PROTOCOL`. */
  names: Map<string, string>;
  /** By `NAME/PROTOCOL`, aliases included. */
  ports: Map<string, number>;
}

/** Reads /etc/services. The first line of a port, and of a name, counts. */
export function parseServices(text: string): ServiceNames {
  const names = new Map<string, string>();
  const ports = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, port, protocol, aliases = ''] = /^\s*([^\s#]+)\s+(\d{1,5})\/(\w+)([^#]*)/.exec(line) ?? [];
    if (name === undefined || Number(port) > 65535) continue;
    const key = `${Number(port)}/${protocol}`;
    if (!names.has(key)) names.set(key, name);
    for (const each of [name, ...aliases.split(/\s+/)])
      if (each !== '' && !ports.has(`${each}/${protocol}`)) ports.set(`${each}/${protocol}`, Number(port));
  }
  return { names, ports };
}

/** Reads /etc/hosts: the first name of each address, by its canonical spelling. The first line of an address counts. */
export function parseHosts(text: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const { address: written, names: all } of hostsLines(text)) {
    const address = canonicalAddress(written);
    if (address !== undefined && !names.has(address)) names.set(address, all[0] as string);
  }
  return names;
}
