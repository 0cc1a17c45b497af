/** Bearer tokens: who has one may read, or write. A file that holds one is read again when it has changed. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { statSync } from 'node:fs';
import { TunvsError } from '../../values/errors.js';
import { refuse } from '../../values/options.js';
import { readPrivateFile } from '../../values/private-file.js';
import type { Access, DoorLog, HttpPlace, Token } from './door.js';

interface Known {
  readonly digest: Buffer;
  readonly access: Access;
}

/** As short as a token may be: 16 hexadecimal digits are 64 bits. */
const MIN_LENGTH = 16;

/** RFC 6750, section 2.1. */
const FORM = /^[A-Za-z0-9._~+/-]+=*$/;

/** Equally long digests are compared in a time that tells nothing about how much of a token was right. */
const digestOf = (token: string) => createHash('sha256').update(token).digest();

export class Tokens {
  readonly #given: HttpPlace['tokens'];
  readonly #files: readonly string[];
  readonly #log: DoorLog | undefined;
  #known: readonly Known[];
  /** What the files were when they were read last. */
  #seen: string;

  constructor(given: HttpPlace['tokens'], log?: DoorLog) {
    this.#given = given;
    this.#log = log;
    this.#files = [given?.read ?? [], given?.write ?? []]
      .flat(2)
      .flatMap((token) => (typeof token === 'string' ? [] : [token.file]));
    this.#seen = this.#look();
    this.#known = read(given);
  }

  get isEmpty(): boolean {
    return this.#known.length === 0;
  }

  /** Reads the files again. Throws, and keeps what it has, where one cannot be read. */
  reload(): void {
    this.#seen = this.#look();
    this.#known = read(this.#given);
  }

  /** A look at a file takes some microseconds, much less than the answer. */
  #follow(): void {
    if (this.#files.length === 0 || this.#look() === this.#seen) return;
    try {
      this.reload();
      this.#log?.info('control.tokens', {}, 'the tokens of the control server are read again');
    } catch (error) {
      this.#log?.warn('control.tokens', {}, `the tokens stay as they are: ${(error as Error).message}`);
    }
  }

  #look(): string {
    return this.#files
      .map((file) => {
        try {
          const { ino, ctimeNs } = statSync(file, { bigint: true });
          return `${ino} ${ctimeNs}`;
        } catch {
          return 'none'; // read() says what is the matter with it
        }
      })
      .join();
  }

  /** What the value of an `Authorization` header gives; undefined where it is wrong. */
  accessOf(authorization: string | undefined): Access | undefined {
    if (authorization === undefined) return 'none';
    this.#follow();
    const [, token] = /^Bearer +(\S+) *$/i.exec(authorization) ?? [];
    if (token === undefined) return undefined;
    const digest = digestOf(token);
    let access: Access | undefined;
    // It goes through all of them, so that the time does not tell which one was right.
    for (const known of this.#known)
      if (timingSafeEqual(digest, known.digest) && access !== 'write') access = known.access;
    return access;
  }
}

function read(given: HttpPlace['tokens']): Known[] {
  return (['read', 'write'] as const).flatMap((access) => {
    const name = `http.tokens.${access}`;
    return [given?.[access] ?? []].flat().map((token) => ({ digest: digestOf(readToken(name, token)), access }));
  });
}

function readToken(name: string, token: Token): string {
  const from = typeof token === 'string' ? name : `${name}: ${token.file}`;
  const text = typeof token === 'string' ? token : readPrivate(name, token.file).trim();
  // The token is not shown: it would stand in logs.
  if (text.length >= MIN_LENGTH && FORM.test(text)) return text;
  const got = `${text.length} characters${FORM.test(text) ? '' : ', some of them others'}`;
  throw new TunvsError(
    'ERR_TUNVS_INVALID_ARGUMENT',
    `${from}: expected a token of at least ${MIN_LENGTH} letters, digits or -._~+/, got ${got}: ` +
      'make one by "openssl rand -hex 32"',
    { option: name },
  );
}

function readPrivate(name: string, file: string): string {
  if (typeof file !== 'string') refuse(name, file, 'a token, or an object with the name of its file');
  return readPrivateFile(name, file, { what: 'the token', make: 'umask 077; openssl rand -hex 32 > FILE' });
}
