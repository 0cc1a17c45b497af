/** What a check by HTTP asks. */
import { isIPv6 } from 'node:net';
import { refuse } from '../../../values/options.js';
import type { HttpValues } from './options.js';

export interface Request {
  method: string;
  path: string;
  host: string;
  /** Names are in lower case. */
  headers: ReadonlyMap<string, string>;
  body: Buffer | undefined;
}

/** The framing of the request is ours. */
const OURS = ['content-length', 'transfer-encoding', 'upgrade'];

/** Makes what the request is of the address and the port that are connected to. */
export function requestOf(kind: string, values: HttpValues, usualPort: number) {
  const given = new Map(Object.entries(values.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  for (const name of OURS)
    if (given.has(name)) refuse(`${kind}: headers`, name, 'no field that says how long the request is');
  const body = values.body === undefined ? undefined : Buffer.from(values.body);
  const headers = new Map([['user-agent', 'tunvs'], ['accept', '*/*'], ...given]);
  if (body !== undefined) headers.set('content-length', String(body.length));
  const host = values.host ?? given.get('host');
  headers.delete('host');
  return (address: string, port: number): Request => ({
    method: values.method,
    path: values.path,
    host: host ?? hostOf(address, port, usualPort),
    headers,
    body,
  });
}

export function hostOf(address: string, port: number, usualPort: number): string {
  const host = isIPv6(address) ? `[${address}]` : address;
  return port === usualPort ? host : `${host}:${port}`;
}

/** Writes a request of HTTP/1. */
export function requestBytes({ method, path, host, headers, body }: Request, version: '1.0' | '1.1'): Buffer {
  const fields = new Map([['host', host], ['connection', 'close'], ...headers]);
  const head = [
    `${method} ${path} HTTP/${version}`,
    ...[...fields].map(([name, value]) => `${name}: ${value}`),
    '',
    '',
  ];
  const bytes = Buffer.from(head.join('\r\n'), 'latin1');
  return body === undefined ? bytes : Buffer.concat([bytes, body]);
}
