/** What a virtual server listens on: one address, a firewall mark, or all that a group has. */
import { addressFamily, canonicalAddress } from '../../values/inet.js';
import { MAX_UINT32 } from '../../values/options.js';
import { type Place, shown } from '../language/place.js';
import type { Statement } from '../language/statements.js';
import { rangesOf } from './ranges.js';
import type { Size } from './size.js';
import { integerOf, type Values } from './values.js';

/** One service of ours. */
export type Listen = { place: Place } & ({ address: string; port: number } | { mark: number; family?: 4 | 6 });

export class Groups {
  readonly #groups = new Map<string, Listen[]>();
  readonly #values: Values;
  readonly #size: Size;

  constructor(statements: readonly Statement[], values: Values, size: Size) {
    this.#values = values;
    this.#size = size;
    for (const { words, block = [], place } of statements) {
      const [name] = words;
      if (name === undefined) values.said.mistake(place, 'the group has no name', 'write virtual_server_group NAME');
      else if (this.#groups.has(name))
        values.said.mistake(place, `there are two groups ${shown(name)}`, 'give each a name of its own');
      else
        this.#groups.set(
          name,
          block.flatMap((line) => this.#member(line)),
        );
    }
  }

  /** Returns nothing where it cannot be read, which is said. */
  of(server: Statement): Listen[] {
    const [form, name] = server.words;
    const { said } = this.#values;
    if (form === 'group') {
      this.#values.only(server, 2);
      const group = name === undefined ? undefined : this.#groups.get(name);
      if (group !== undefined) return group;
      const what = name === undefined ? 'the name of a group is missing' : `there is no group ${shown(name)}`;
      said.mistake(server.place, what, 'write virtual_server_group NAME { ... } for it');
      return [];
    }
    if (form === 'fwmark') return this.#mark(server, name, undefined);
    if (form === undefined) {
      this.#values.refuse(server, undefined, 'virtual_server ADDRESS PORT, fwmark NUMBER or group NAME');
      return [];
    }
    return this.#member({ ...server, keyword: form, words: server.words.slice(1) }, true);
  }

  #member(line: Statement, isSingle = false): Listen[] {
    const { keyword, words, place } = line;
    const { said } = this.#values;
    if (keyword === 'fwmark' && !isSingle) return this.#mark(line, words[0], words[1]);
    this.#values.only(line, 1);
    const port = words[0] === undefined ? 0 : this.#values.port(place, words[0]);
    const single =
      isSingle && keyword.includes('-') === false && !keyword.includes('/') ? canonicalAddress(keyword) : undefined;
    const ranges = isSingle ? (single === undefined ? { mistake: 'is no address' } : [single]) : rangesOf(keyword);
    if ('mistake' in ranges) {
      said.mistake(place, `${shown(keyword)} ${ranges.mistake}`, 'write an address, as in 192.0.2.1 80');
      return [];
    }
    if (!isSingle) this.#size.members(place, ranges.length);
    return port === undefined ? [] : ranges.map((address) => ({ address, port, place }));
  }

  #mark({ place }: Statement, given: string | undefined, family: string | undefined): Listen[] {
    const mark = integerOf(given ?? '');
    if (mark === undefined || mark < 1 || mark > MAX_UINT32) {
      this.#values.said.mistake(
        place,
        `${shown(given ?? '')} is no firewall mark`,
        `write a number from 1 to ${MAX_UINT32}`,
      );
      return [];
    }
    if (family === undefined) return [{ mark, place }];
    if (family === 'inet' || family === 'inet6') return [{ mark, family: family === 'inet6' ? 6 : 4, place }];
    this.#values.said.mistake(place, `${shown(family)} is no family`, 'write inet or inet6');
    return [];
  }
}

/** The family of all real servers, where they have one family. */
export function familyOf(addresses: readonly string[]): 4 | 6 | undefined {
  const families = new Set(addresses.map((address) => addressFamily(address)));
  return families.size === 1 ? [...families][0] : undefined;
}
