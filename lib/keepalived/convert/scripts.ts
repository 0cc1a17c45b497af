/** The scripts of keepalived, and the users that they run as. */
import type { ConfigFiles } from '../../config/read/files.js';
import type { Said } from '../language/place.js';
import type { Statement } from '../language/statements.js';
import { quotedWords } from '../language/words.js';
import { Fields } from './fields.js';

/** keepalived runs scripts as this user if the host has it, and as root otherwise. */
const DEFAULT_USER = 'keepalived_script';

export interface Ids {
  /** USER or USER:GROUP, as it was written. */
  name: string;
  uid: number;
  gid: number;
}

export interface Script {
  words: readonly string[];
  ids: Ids | undefined;
}

export class Accounts {
  readonly #passwd: string[][];
  readonly #group: string[][];

  constructor(files: Pick<ConfigFiles, 'read'>) {
    const rows = (path: string) => {
      try {
        return Buffer.from(files.read(path))
          .toString('utf8')
          .split('\n')
          .map((line) => line.split(':'));
      } catch {
        // Without accounts every name is unknown, which is said where one is named.
        return [];
      }
    };
    this.#passwd = rows('/etc/passwd');
    this.#group = rows('/etc/group');
  }

  /** Returns what is wrong where there is no such user or group. */
  ids(user: string, group?: string): Ids | string {
    const row = this.#passwd.find(([name, , uid]) => name === user || uid === user);
    if (row === undefined) return `there is no user ${user} on this host`;
    const named =
      group === undefined ? row[3] : this.#group.find(([name, , gid]) => name === group || gid === group)?.[2];
    if (named === undefined) return `there is no group ${group} on this host`;
    return { name: group === undefined ? user : `${user}:${group}`, uid: Number(row[2]), gid: Number(named) };
  }

  get usual(): Ids | undefined {
    const ids = this.ids(DEFAULT_USER);
    return typeof ids === 'string' ? undefined : ids;
  }
}

export class Scripts {
  readonly #accounts: Accounts;
  readonly #said: Said;
  #usual: Ids | undefined;
  /** Whether programs that others may change are refused. */
  isSafe = false;

  constructor(accounts: Accounts, said: Said) {
    this.#accounts = accounts;
    this.#said = said;
    this.#usual = accounts.usual;
  }

  /** Takes `script_user`, which counts for all scripts that name no user. */
  usualUser(statement: Statement | undefined): void {
    if (statement !== undefined) this.#usual = this.#ids(statement, statement.words) ?? this.#usual;
  }

  /** Makes what runs for news. */
  command(statement: Statement | undefined): Fields | undefined {
    if (statement === undefined) return undefined;
    const script = this.script(statement);
    if (script === undefined) return undefined;
    const { words, ids } = script;
    return new Fields(statement.place).set('command', words).set('uid', ids?.uid).set('gid', ids?.gid);
  }

  /** The user and group may stand behind the script, or in a line of their own. */
  script(statement: Statement, user?: Statement): Script | undefined {
    const { place, raw, keyword } = statement;
    const { words, isClosed } = quotedWords(raw);
    const [script = '', ...account] = words;
    // The arguments stand in the quotes of the script, and may have single quotes of their own.
    const command = quotedWords(script, { isEscaped: false });
    if (!isClosed || !command.isClosed) this.#said.mistake(place, `a quote of ${keyword} is not closed`, 'close it');
    if (command.words.length === 0 || command.words[0] === '') {
      this.#said.mistake(place, `${keyword} names no program`, 'write its path, and its arguments in quotes with it');
      return undefined;
    }
    if (user !== undefined) return { words: command.words, ids: this.#ids(user, user.words) };
    return { words: command.words, ids: account.length > 0 ? this.#ids(statement, account) : this.#usual };
  }

  #ids({ keyword, place }: Statement, [user, group]: readonly string[]): Ids | undefined {
    const ids = user === undefined ? `${keyword} names no user` : this.#accounts.ids(user, group);
    if (typeof ids !== 'string') return ids;
    this.#said.mistake(place, ids, 'name one of /etc/passwd and /etc/group');
    return undefined;
  }
}
