/**
 * Names of hosts and services, as ipvsadm writes and reads them. Looking them up is bounded: in time, in how many
 * questions are on their way at once, and in what is remembered.
 */
import { lookup, promises as dns } from 'node:dns';
import { readFile } from 'node:fs/promises';
import type { AddressFamily } from '../../values/inet.js';
import { within } from '../../values/within.js';
import type { FindNames, NamedEndpoint } from '../listing/names.js';
import { Memory } from './memory.js';
import { parseHosts, parseServices, type ServiceNames } from './name-files.js';

/** Each answer is undefined where there is no name, or none in time. No call rejects. */
export interface NameResolver {
  /** The name of an address. */
  host(address: string): Promise<string | undefined>;
  /** The name of a port, as in /etc/services. */
  service(port: number, protocol: string): Promise<string | undefined>;
  /** The first address of a name, of the family. */
  address(name: string, family: AddressFamily): Promise<string | undefined>;
  port(name: string, protocol: string): Promise<number | undefined>;
}

export interface SystemNamesOptions {
  /** How long one question may take, in milliseconds. */
  timeoutMs?: number;
  /** Reads a file, /etc/services or /etc/hosts. */
  read?: (path: string) => Promise<string>;
  /** Asks for the names of an address. */
  reverse?: (address: string) => Promise<string[]>;
}

/** How long an answer is remembered. */
const REMEMBERED_MS = 60_000;
const MAX_REMEMBERED = 10_000;
/** Questions of rules take a thread of libuv's pool each; two leave the others to files. */
const MAX_FORWARD = 2;
const MAX_REVERSE = 64;

/** What cannot begin a line of its own, or steer a terminal. */
const HOST_NAME = /^[\w.-]{1,255}$/;

/** The host's own names: /etc/services, /etc/hosts and DNS. */
export function systemNames(options: SystemNamesOptions = {}): NameResolver {
  const { timeoutMs = 2000, read = (path: string) => readFile(path, 'utf8') } = options;
  // c-ares waits without a thread. It takes another of several names in /etc/hosts than ipvsadm does.
  const resolver = new dns.Resolver({ timeout: timeoutMs, tries: 1 });
  const { reverse = (address: string) => resolver.reverse(address) } = options;
  const hosts = new Memory<string>(MAX_REVERSE, MAX_REMEMBERED, REMEMBERED_MS, timeoutMs);
  const addresses = new Memory<string>(MAX_FORWARD, MAX_REMEMBERED, REMEMBERED_MS, timeoutMs);
  const serviceFile = new Memory<ServiceNames>(1, 1, REMEMBERED_MS, timeoutMs);
  const table = () => serviceFile.get('', async () => parseServices(await read('/etc/services')));
  const hostFile = new Memory<Map<string, string>>(1, 1, REMEMBERED_MS, timeoutMs);
  const written = () => hostFile.get('', async () => parseHosts(await read('/etc/hosts')));
  // The name of an address is what the address's owner likes it to be.
  const ask = async (address: string) =>
    (await within(timeoutMs, reverse(address)))?.find((name) => HOST_NAME.test(name));
  return {
    host: async (address) => (await written())?.get(address) ?? hosts.get(address, () => ask(address)),
    service: async (port, protocol) => (await table())?.names.get(`${port}/${protocol}`),
    port: async (name, protocol) => (await table())?.ports.get(`${name}/${protocol}`),
    address: (name, family) => addresses.get(`${family} ${name}`, () => within(timeoutMs, firstAddress(name, family))),
  };
}

function firstAddress(name: string, family: AddressFamily): Promise<string | undefined> {
  return new Promise((resolve) => lookup(name, { family }, (error, address) => resolve(error ? undefined : address)));
}

/**
 * Names for one listing. All of its questions together take `budgetMs` at most; what is not answered by then is written
 * as a number.
 */
export function namesForListing(resolver: NameResolver, budgetMs = 2000): FindNames {
  const hosts = new Map<string, string>();
  const services = new Map<string, string>();
  const asked = new Set<string>();
  let leftMs = budgetMs;
  async function ask(key: string, into: Map<string, string>, question: () => Promise<string | undefined>) {
    asked.add(key);
    const name = await question();
    if (name !== undefined) into.set(key, name);
  }
  function questions({ address, port, protocol }: NamedEndpoint): Promise<void>[] {
    const portKey = `${port}/${protocol}`;
    return [
      ...(asked.has(address) ? [] : [ask(address, hosts, () => resolver.host(address))]),
      ...(asked.has(portKey) ? [] : [ask(portKey, services, () => resolver.service(port, protocol))]),
    ];
  }
  return async (endpoints) => {
    if (leftMs > 0) {
      const began = performance.now();
      await within(leftMs, Promise.allSettled(endpoints.flatMap(questions)));
      leftMs -= performance.now() - began;
    }
    return ({ address, port }, protocol) => {
      const host = hosts.get(address) ?? address;
      return `${address.includes(':') ? `[${host}]` : host}:${services.get(`${port}/${protocol}`) ?? port}`;
    };
  };
}
