/** The options of connection sync with peers: who they are, and the keys that they sign with. */
import { networkInterfaces } from 'node:os';
import type { NativeSyncPeer } from '../native/sync.js';
import { TunvsError } from '../values/errors.js';
import { isUnicast, parseEndpoint } from '../values/inet.js';
import { optionOf, refuse } from '../values/options.js';
import { readPrivateFile } from '../values/private-file.js';

const MAX_PEERS = 16;
const MAX_KEYS = 8;
const MIN_KEY_BYTES = 16;
const MAX_KEY_BYTES = 1024;

const FORM = "addresses of other directors, such as ['10.2.0.3'] or ['10.2.0.3:8848']";

/** Returns the peers with their ports; those that say none have `port`. */
export function peersOption(name: string, value: unknown, port: number): NativeSyncPeer[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_PEERS)
    return refuse(name, value, `1 to ${MAX_PEERS} ${FORM}`);
  const all = value.map((each) => peerOf(each, port) ?? refuse(name, each, FORM));
  // Directors may all have the same list.
  const peers = all.filter((peer) => !isOwn(peer, port));
  if (peers.length === 0) return refuse(name, value, 'an address of another host');
  const twice = peers.find(({ address }, at) => peers.findIndex((other) => other.address === address) !== at);
  return twice === undefined ? peers : refuse(name, twice.address, 'each address once');
}

/** Another director of this host has another port. */
function isOwn({ address, port }: NativeSyncPeer, own: number): boolean {
  const interfaces = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return port === own && interfaces.some((each) => each.address === address);
}

function peerOf(text: unknown, port: number): NativeSyncPeer | undefined {
  if (typeof text !== 'string') return undefined;
  const endpoint = parseEndpoint(text);
  if ('mistake' in endpoint || !isUnicast(endpoint.address) || endpoint.port === 0) return undefined;
  return { address: endpoint.address, port: endpoint.port ?? port };
}

/** Returns what stands in a file of keys, a line each: the first signs, and all are believed. */
export function keysOption(name: string, file: unknown): string[] {
  if (file === undefined) return [];
  if (typeof file !== 'string' || file === '')
    return refuse(name, file, 'the name of a file with a key in its first line');
  const secret = { what: 'the key', make: 'umask 077; openssl rand -hex 32 > FILE' };
  const keys = readPrivateFile(name, file, secret)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  // A key is not shown: it would stand in logs.
  const wrong = keys.length === 0 || keys.length > MAX_KEYS || keys.some((key) => !isKey(key));
  if (!wrong) return keys;
  throw new TunvsError(
    'ERR_TUNVS_INVALID_ARGUMENT',
    `${name}: ${file}: expected 1 to ${MAX_KEYS} lines, each with a key of ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES} ` +
      `printable characters of ASCII, got ${keys.length === 0 ? 'none' : wrongLine(keys)}: ` +
      'make a key by "openssl rand -hex 32"',
    { option: optionOf(name) },
  );
}

function wrongLine(keys: readonly string[]): string {
  if (keys.length > MAX_KEYS) return `${keys.length} lines`;
  const wrong = keys.find((key) => !isKey(key)) as string;
  return `one of ${wrong.length} characters${/^[\x20-\x7e]*$/.test(wrong) ? '' : ', some of them others'}`;
}

const isKey = (key: string) => new RegExp(`^[\\x20-\\x7e]{${MIN_KEY_BYTES},${MAX_KEY_BYTES}}$`).test(key);
