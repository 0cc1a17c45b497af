/** What a director that runs says of itself, and of its connections. It is asked by curl, which takes milliseconds. */
import { eventually } from './eventually.js';
import type { Operated } from './operated.js';
import type { SteadyEnd } from './steady.js';

export interface Asked {
  readonly operated: Operated;
}

/** A connection as a director lists it. */
export interface Listed {
  clientAddress: string;
  clientPort: number;
  serverAddress: string;
  state: string;
  expiresMs: number;
}

export interface SyncState {
  isCaughtUp?: boolean;
  master?: { records: number; notesLost: number; recordsLost: number };
  backup?: { outcomes: Record<string, number>; messagesLost: number };
}

const nameOf = (address: string, port: number) => `${address}:${port}`;

/** Names a connection by its client's end. */
export const flowName = ({ localAddress, localPort }: SteadyEnd) => nameOf(localAddress, localPort);

export async function ask<T>({ operated }: Asked, method: string, path: string, body?: object): Promise<T> {
  const words = body === undefined ? ['-X', method] : ['-X', method, '--json', JSON.stringify(body)];
  const { code, stdout, stderr } = await operated.curl(['--fail-with-body', ...words, `http://tunvs/v1/${path}`]);
  if (code !== 0) throw new Error(`${method} ${path} at ${operated.host.name}: ${stderr}${stdout}`);
  const [answer = ''] = stdout.split('\n');
  return (answer === '' ? undefined : JSON.parse(answer)) as T;
}

export const setRole = (director: Asked, role: 'active' | 'standby') => ask(director, 'PUT', 'role', { role });

export const syncOf = (director: Asked) => ask<SyncState>(director, 'GET', 'sync');

/** The director's connections by their names. */
export async function connectionsOf({ operated }: Asked): Promise<Map<string, Listed>> {
  const { stdout } = await operated.curl(['-H', 'accept: application/x-ndjson', 'http://tunvs/v1/connections']);
  const listed = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Listed);
  return new Map(listed.map((each) => [nameOf(each.clientAddress, each.clientPort), each]));
}

/** Those of the connections that the director does not know, by their names. */
export async function unknownTo(director: Asked, ends: readonly SteadyEnd[]): Promise<string[]> {
  const known = await connectionsOf(director);
  return ends.map(flowName).filter((name) => !known.has(name));
}

/** Waits until a director has been told of each of these connections. */
export async function untilKnown(director: Asked, ends: readonly SteadyEnd[]): Promise<void> {
  await eventually(
    () => unknownTo(director, ends),
    (unknown) => unknown.length === 0,
    `${director.operated.host.name} knows all connections`,
  );
}
