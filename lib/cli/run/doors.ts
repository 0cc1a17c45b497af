/** The doors of `tunvs run`, as the command line and the configuration ask for them. */
import { dirname, resolve } from 'node:path';
import type { Attachment } from '../../daemon/daemon.js';
import { DEFAULT_NAME } from '../../daemon/daemon-name.js';
import type { Log } from '../../daemon/log.js';
import { TunvsError } from '../../values/errors.js';
import { UsageError } from '../verb.js';
import type { Configuration, DaemonSpec, ReloadWish } from './configuration.js';
import type { ControlArguments } from './control-options.js';
import type { RunOptions } from './options.js';
import type { Doors } from './announce.js';
import type { Reloaded } from './reload.js';
import type { Tell } from './teller.js';

export type Reload = (wish?: ReloadWish) => Promise<Reloaded>;

interface DoorParts {
  options: RunOptions;
  configuration: Configuration;
  tell: Tell;
  log: Log | undefined;
  reload: Reload;
  /** Told where the doors are, once they are open. */
  opened(places: Doors): void;
}

/** None when neither a socket nor a port is wanted. */
export async function doors({ options, configuration, tell, log, reload, opened }: DoorParts): Promise<Attachment[]> {
  const { daemon, shown, health, membership: fleet } = configuration;
  const places = placesOf(options, daemon.control);
  if (places.socket === false && places.http === undefined) return [];
  const { controlAttachment } = await import('../../control/serve-control.js');
  const served = {
    ...places,
    name: options.name ?? DEFAULT_NAME,
    reload: (wish: ReloadWish) => reload(wish),
    ...(shown && { spec: shown }),
    ...(health && { health }),
    ...(fleet && { fleet }),
    ...(daemon.metrics?.servers !== undefined && { serverMetrics: daemon.metrics.servers }),
    log: log ?? sayingWarnings(tell),
  };
  const attach = inWordsOf(options, controlAttachment(served, opened));
  return [isAsked(options, daemon.control) ? attach : tolerant(attach, tell)];
}

const isAsked = (options: RunOptions, control: DaemonSpec['control']) =>
  options.name !== undefined ||
  options.controlSocket !== undefined ||
  options.controlGroup !== undefined ||
  options.http !== undefined ||
  control !== undefined;

/** What is refused is named as it was written: on the command line, or in the configuration. */
function inWordsOf(given: ControlArguments, attach: Attachment): Attachment {
  const written: Readonly<Record<string, string>> = {
    'socket.path': given.controlSocket === undefined ? 'control.socket' : '--control-socket',
    'socket.group': given.controlGroup === undefined ? 'control.group' : '--control-group',
    'http.host': given.http === undefined ? 'control.http.host' : '--http',
    'http.tokens.read': given.readToken === undefined ? 'control.http.tokens.read' : '--read-token',
    'http.tokens.write': given.writeToken === undefined ? 'control.http.tokens.write' : '--write-token',
  };
  return whereRefused(attach, (error) => {
    const { option, code, message } = error as Partial<TunvsError>;
    const name = option === undefined ? undefined : written[option];
    if (name === undefined || code === undefined || !message?.startsWith(option as string)) throw error;
    throw new TunvsError(code, `${name}${message.slice((option as string).length)}`, { option: name, cause: error });
  });
}

/** A user who may not write to /run has a director all the same. */
function tolerant(attach: Attachment, tell: Tell): Attachment {
  return whereRefused(attach, (error) => {
    if (!(error instanceof TunvsError) || error.code !== 'ERR_TUNVS_PERMISSION') throw error;
    tell('warn', 'noControlSocket', `there is no control socket: ${error.message}`);
  });
}

/** `handle` gets what the door refuses; what it throws ends the director. */
function whereRefused(attach: Attachment, handle: (error: unknown) => void): Attachment {
  return (running) => {
    const attached = attach(running);
    return { ...attached, listen: () => Promise.resolve(attached.listen?.()).catch(handle) };
  };
}

/** Who has asked for no log hears what needs somebody. */
const sayingWarnings = (tell: Tell) => ({
  info() {},
  warn: (event: string, fields?: object, sentence = event) => tell('warn', event, sentence, fields),
  error: (event: string, fields?: object, sentence = event) => tell('error', event, sentence, fields),
});

/** The command line counts more than the file. */
function placesOf(given: ControlArguments & Pick<RunOptions, 'config'>, control: DaemonSpec['control']) {
  const folder = dirname(resolve(given.config ?? '.'));
  const path = given.controlSocket ?? (typeof control?.socket === 'string' ? control.socket : undefined);
  const group = given.controlGroup ?? control?.group;
  const isOff = given.control === false || (control?.socket === false && given.controlSocket === undefined);
  const http = httpOf(given, control?.http, folder);
  return {
    socket: isOff ? (false as const) : { ...(path !== undefined && { path }), ...(group !== undefined && { group }) },
    ...(http && { http }),
  };
}

type HttpSpec = NonNullable<NonNullable<DaemonSpec['control']>['http']>;
type TokenSpec = NonNullable<HttpSpec['tokens']>['read'];

function httpOf({ http, readToken, writeToken }: ControlArguments, spec: HttpSpec | undefined, folder: string) {
  const place = http ?? (spec && { host: spec.host ?? '127.0.0.1', port: spec.port });
  if (place === undefined) {
    if (readToken !== undefined || writeToken !== undefined)
      throw new UsageError('--read-token and --write-token are for --http: give it too, as in --http 127.0.0.1:9480');
    return undefined;
  }
  const read = readToken !== undefined ? { file: readToken } : tokenOf('read', spec?.tokens?.read, folder);
  const write = writeToken !== undefined ? { file: writeToken } : tokenOf('write', spec?.tokens?.write, folder);
  return { ...place, tokens: { ...(read && { read }), ...(write && { write }) } };
}

function tokenOf(access: string, token: TokenSpec, folder: string): string | { file: string } | undefined {
  if (token?.file !== undefined) return { file: resolve(folder, token.file) };
  if (token?.env === undefined) return undefined;
  const value = process.env[token.env];
  if (value === undefined || value === '')
    throw new UsageError(`control.http.tokens.${access}: the variable ${token.env} is not set: set it to the token`);
  return value;
}
