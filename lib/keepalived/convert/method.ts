/** The forwarding methods: `lvs_method NAT`, `lvs_method TUN type gue port 6080 csum`. */
import type { TunnelChecksum } from '../../values/forwarding-method.js';
import type { Place } from '../language/place.js';
import type { Statement } from '../language/statements.js';
import { Fields } from './fields.js';
import { integerOf, type Values } from './values.js';

const CHECKSUMS: Readonly<Record<string, TunnelChecksum>> = { nocsum: 'none', csum: 'checksum', remcsum: 'remote' };

/** Returns the fields of a server, and undefined where its method is refused. */
export function methodFields(statement: Statement, values: Values): Fields | undefined {
  const [method, ...words] = statement.words;
  const fields = new Fields(statement.place);
  if (method === 'DR' || method === 'NAT') {
    values.only(statement, 1);
    return fields.set('forwarding', method.toLowerCase());
  }
  if (method === 'TUN') return tunnelFields(fields, statement, words, values);
  return values.refuse(statement, method, 'NAT, DR or TUN');
}

/** NAT is what keepalived takes where nothing says the method. */
export const usualMethod = (place: Place): Fields => new Fields(place).set('forwarding', 'nat');

export const changesPorts = (method: Fields): boolean => method.get('forwarding') === 'nat';

function tunnelFields(fields: Fields, statement: Statement, words: readonly string[], values: Values) {
  const refuse = (message: string, mend: string) => {
    values.said.mistake(statement.place, message, mend);
    return undefined;
  };
  let type = 'ipip';
  let port: number | undefined;
  let checksum: TunnelChecksum | undefined;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (word === 'type') {
      type = words[++at] ?? '';
      if (!['ipip', 'gue', 'gre'].includes(type)) return values.refuse(statement, `type ${type}`, 'ipip, gue or gre');
    } else if (word === 'port') {
      port = integerOf(words[++at] ?? '');
      if (port === undefined || port < 1 || port > 65535)
        return values.refuse(statement, `port ${words[at] ?? ''}`, 'a port from 1 to 65535');
    } else if (Object.hasOwn(CHECKSUMS, word)) checksum = CHECKSUMS[word];
    else return values.refuse(statement, word, 'type, port, nocsum, csum or remcsum behind TUN');
  }
  if ((type === 'gue') !== (port !== undefined))
    return refuse(`a tunnel of type ${type} ${type === 'gue' ? 'needs' : 'has no'} port`, 'write type gue port NUMBER');
  if (checksum !== undefined && checksum !== 'none' && (type === 'ipip' || (type === 'gre' && checksum === 'remote')))
    return refuse(`a tunnel of type ${type} knows no such checksum`, 'leave it out');
  return fields
    .set('forwarding', type === 'ipip' ? undefined : type)
    .set('tunnelPort', port)
    .set('tunnelChecksum', checksum === 'none' ? undefined : checksum);
}
