/** Writes numbers in place of the names of hosts and services in a rule, so that it can be read as numbers are. */
import { parseEndpoint } from '../../values/inet.js';
import type { NameResolver } from './names.js';
import { type FoundOption, findOptions } from './words.js';

const PROTOCOLS: Readonly<Record<string, string>> = {
  'tcp-service': 'tcp',
  'udp-service': 'udp',
  'sctp-service': 'sctp',
};

/** A name, or an IPv4 address; or either in brackets, or an IPv6 address there. Then maybe a port or its name. */
const ENDPOINT = /^(?:\[([^\]]+)\]|([^:]+))(?::([\w-]+(?:\.[\w-]+)*))?$/;
const HOST_NAME = /^(?=.*[a-z])[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_.])?$/i;
const SERVICE_NAME = /^(?=.*[a-z])[\w.-]+$/i;

/** Returns the words with addresses and ports as numbers. A name that is not known stays, to be refused. */
export async function resolveWords(argv: readonly string[], resolver: NameResolver): Promise<string[]> {
  const words = [...argv];
  const found = [...findOptions(words)];
  const protocol = found.map(({ long }) => PROTOCOLS[long]).find((each) => each !== undefined) ?? 'tcp';
  await Promise.all(
    found.filter(({ long }) => long in PROTOCOLS || long === 'real-server').map((each) => resolve(each, protocol)),
  );
  return words;

  async function resolve({ value, replaceValue }: FoundOption, protocol: string): Promise<void> {
    if (value === undefined || value.length > 300 || !('mistake' in parseEndpoint(value))) return;
    const [, bracketed, plain, port] = ENDPOINT.exec(value) ?? [];
    const host = bracketed ?? plain;
    if (host === undefined) return;
    const family = bracketed === undefined ? 4 : 6;
    const [address, number] = await Promise.all([
      HOST_NAME.test(host) ? resolver.address(host, family) : host,
      port !== undefined && SERVICE_NAME.test(port) ? resolver.port(port, protocol) : port,
    ]);
    if (address === undefined || (number === undefined && port !== undefined)) return;
    replaceValue(`${family === 6 ? `[${address}]` : address}${number === undefined ? '' : `:${number}`}`);
  }
}
