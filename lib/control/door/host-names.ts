/**
 * What a browser may be made to do to a server on TCP, and what prevents it: a page whose name was turned to our address
 * (DNS rebinding) asks in that name, and pages of others say where they come from when they write.
 */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** A rebound page has a name, never an address: any address may be asked for. */
export class HostNames {
  readonly #names: ReadonlySet<string>;

  constructor(host: string, more: readonly string[] = []) {
    this.#names = new Set([host, 'localhost', hostname(), ...more].map((name) => name.toLowerCase()));
  }

  allows(header: string | undefined): boolean {
    const [, address, name] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d{1,5})?$/.exec(header ?? '') ?? [];
    if (address !== undefined) return isIP(address) === 6;
    if (name === undefined) return false;
    return isIP(name) === 4 || this.#names.has(name.toLowerCase().replace(/\.$/, ''));
  }
}

export function isWrittenByPage({ method, headers }: IncomingMessage): boolean {
  return headers.origin !== undefined && !SAFE_METHODS.has(method ?? '');
}

/** HTTP lets nobody say twice whom it wants to talk to (RFC 9112, section 3.2); Node takes the first. */
export function hasOneHost({ rawHeaders }: IncomingMessage): boolean {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) if (rawHeaders[index]?.toLowerCase() === 'host') hosts++;
  return hosts <= 1;
}
