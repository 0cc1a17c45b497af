/** Writes out the short forms: `listen: tcp 192.0.2.1:80` for a service, `10.3.0.11:80` for a real server. */
import { parseEndpoint } from '../../values/inet.js';
import { formatPath, type Mistake, type Path } from '../mistake.js';
import type { ConfigNode, MapNode, Scalar } from './node.js';

export function writeOut(root: MapNode): Mistake[] {
  const mistakes: Mistake[] = [];
  const services = root.fields.get('services')?.value;
  if (services?.kind !== 'list') return mistakes;
  for (const [index, service] of services.items.entries()) {
    if (service.kind !== 'map') continue;
    const path = ['services', index];
    writeOutListen(service, path, mistakes);
    writeOutSorryServer(service, path, mistakes);
    for (const name of ['servers', 'sorryServers']) {
      const servers = service.fields.get(name)?.value;
      if (servers?.kind !== 'list') continue;
      servers.items = servers.items.map((item, at) => writeOutServer(item, [...path, name, at], mistakes));
    }
  }
  return mistakes;
}

/** One sorry server may stand without a list. */
function writeOutSorryServer(service: MapNode, path: Path, mistakes: Mistake[]): void {
  const only = service.fields.get('sorryServer');
  if (only === undefined) return;
  service.fields.delete('sorryServer');
  const { at, value } = only;
  if (service.fields.has('sorryServers')) {
    const message = 'it cannot stand beside sorryServers';
    mistakes.push({ path: formatPath([...path, 'sorryServer']), ...value.at, message, mend: 'write one of them' });
    return;
  }
  service.fields.set('sorryServers', { at, value: { kind: 'list', items: [value], at: value.at } });
}

const LISTEN = /^(?:(\S+)\s+)?(.+?):(\d{1,5})(?:-(\d{1,5}))?$/;
const LISTEN_MEND = 'write PROTOCOL ADDRESS:PORT, as in tcp 192.0.2.1:80 or tcp [2001:db8::1]:8000-8099';

function writeOutListen(service: MapNode, path: Path, mistakes: Mistake[]): void {
  const listen = service.fields.get('listen');
  if (listen === undefined) return;
  service.fields.delete('listen');
  const { value } = listen;
  const refuse = (message: string, mend: string) =>
    mistakes.push({ path: formatPath([...path, 'listen']), ...value.at, message, mend });
  for (const name of ['protocol', 'address', 'port', 'lastPort', 'mark', 'family']) {
    if (service.fields.has(name)) refuse(`it cannot stand beside ${name}`, 'write one of them');
  }
  const text = value.kind === 'scalar' && typeof value.value === 'string' ? value.value.trim() : '';
  const [, protocol = 'tcp', written = '', port, lastPort] = LISTEN.exec(text) ?? [];
  const [, inBrackets] = /^\[([^\]]+)\]$/.exec(written) ?? [];
  const address = inBrackets ?? written;
  if (port === undefined || (inBrackets === undefined && written.includes(':')))
    refuse(`${text === '' ? 'this' : `"${text}"`} names no service`, LISTEN_MEND);
  const put = (name: string, each: Scalar) => {
    if (!service.fields.has(name))
      service.fields.set(name, { at: value.at, value: { kind: 'scalar', value: each, at: value.at } });
  };
  put('protocol', protocol === '' ? 'tcp' : protocol);
  put('address', port === undefined ? '192.0.2.1' : address);
  put('port', port === undefined ? 1 : Number(port));
  if (lastPort !== undefined) put('lastPort', Number(lastPort));
}

function writeOutServer(server: ConfigNode, path: Path, mistakes: Mistake[]): ConfigNode {
  if (server.kind !== 'scalar' || typeof server.value !== 'string') return server;
  const { at, value } = server;
  const parsed = parseEndpoint(value);
  if ('mistake' in parsed)
    mistakes.push({
      path: formatPath(path),
      ...at,
      message: `"${value}" names no real server`,
      mend: 'write ADDRESS or ADDRESS:PORT, or { dns: NAME } for a name',
    });
  const named = 'mistake' in parsed ? { address: '192.0.2.1', port: undefined } : parsed;
  const fields: MapNode['fields'] = new Map([['address', { at, value: { kind: 'scalar', value: named.address, at } }]]);
  if (named.port !== undefined) fields.set('port', { at, value: { kind: 'scalar', value: named.port, at } });
  return { kind: 'map', fields, at };
}
