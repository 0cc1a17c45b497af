/** The options of notifications, checked. */
import { existsSync } from 'node:fs';
import { validateHeaderName, validateHeaderValue } from 'node:http';
import {
  booleanOption,
  checkedOptions,
  durationOption,
  integerOption,
  MAX_INT32,
  MAX_UINT32,
  refuse,
} from '../../values/options.js';
import type {
  Notifications,
  NotifyCommand,
  ServerNotifications,
  ServiceNotifications,
  WebhookOptions,
} from './options.js';

/** A receiver of which nothing is left out. */
export type CheckedWebhook = Required<Omit<WebhookOptions, 'ca'>> & Pick<WebhookOptions, 'ca'>;

export interface CheckedNotifications {
  readonly script?: NotifyCommand;
  readonly fifo?: string;
  readonly webhook?: CheckedWebhook;
  readonly initial: boolean;
}

export function checkedServiceNotifications(name: string, value: ServiceNotifications = {}): ServiceNotifications {
  const given = checkedOptions(name, value, ['server', 'quorumUp', 'quorumDown']);
  return {
    ...(given.server && { server: checkedServerNotifications(`${name}: server`, given.server) }),
    ...(given.quorumUp && { quorumUp: checkedCommand(`${name}: quorumUp`, given.quorumUp) }),
    ...(given.quorumDown && { quorumDown: checkedCommand(`${name}: quorumDown`, given.quorumDown) }),
  };
}

export function checkedServerNotifications(name: string, value: ServerNotifications): ServerNotifications {
  const given = checkedOptions(name, value, ['up', 'down']);
  return {
    ...(given.up && { up: checkedCommand(`${name}: up`, given.up) }),
    ...(given.down && { down: checkedCommand(`${name}: down`, given.down) }),
  };
}

export function checkedNotifications(name: string, value: Notifications = {}): CheckedNotifications {
  const given = checkedOptions(name, value, ['script', 'fifo', 'webhook', 'initial']);
  const { fifo } = given;
  if (fifo !== undefined && !(typeof fifo === 'string' && fifo.startsWith('/')))
    refuse(`${name}: fifo`, fifo, 'an absolute path');
  return {
    ...(given.script && { script: checkedCommand(`${name}: script`, given.script) }),
    ...(fifo !== undefined && { fifo }),
    ...(given.webhook && { webhook: checkedWebhook(`${name}: webhook`, given.webhook) }),
    initial: booleanOption(`${name}: initial`, given.initial, false),
  };
}

function checkedCommand(name: string, value: NotifyCommand): NotifyCommand {
  const { command, timeoutMs, uid, gid } = checkedOptions(name, value, ['command', 'timeoutMs', 'uid', 'gid']);
  const isList = Array.isArray(command) && command.length > 0 && command.every((word) => typeof word === 'string');
  if (!isList || command[0] === '') return refuse(`${name}: command`, command, 'a list of a program and its arguments');
  if (command[0].startsWith('/') && !existsSync(command[0]))
    refuse(`${name}: command`, command[0], 'a program', 'there is no such file');
  const [program, ...words] = command;
  return {
    command: [program, ...words],
    timeoutMs: durationOption(`${name}: timeoutMs`, timeoutMs, 1, 30_000),
    ...(uid !== undefined && { uid: integerOption(`${name}: uid`, uid, 0, MAX_UINT32) }),
    ...(gid !== undefined && { gid: integerOption(`${name}: gid`, gid, 0, MAX_UINT32) }),
  };
}

function checkedWebhook(name: string, value: WebhookOptions): CheckedWebhook {
  const given = checkedOptions(name, value, ['url', 'headers', 'timeoutMs', 'retries', 'retryDelayMs', 'queue', 'ca']);
  const url = typeof given.url === 'string' && URL.canParse(given.url) ? new URL(given.url) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    return refuse(`${name}: url`, given.url, 'a URL that begins with http: or https:');
  const { headers = {}, ca } = given;
  if (
    typeof headers !== 'object' ||
    headers === null ||
    Object.values(headers).some((each) => typeof each !== 'string')
  )
    refuse(`${name}: headers`, Object.keys(headers), 'an object of texts');
  for (const [field, text] of Object.entries(headers)) if (!canBeSent(field, text)) refuseHeader(name, field);
  if (ca !== undefined && typeof ca !== 'string') refuse(`${name}: ca`, ca, 'certificates in PEM');
  return {
    url: url.href,
    headers: { ...headers },
    timeoutMs: durationOption(`${name}: timeoutMs`, given.timeoutMs, 1, 5000),
    retries: integerOption(`${name}: retries`, given.retries, 0, 100, 5),
    retryDelayMs: durationOption(`${name}: retryDelayMs`, given.retryDelayMs, 1, 1000),
    queue: integerOption(`${name}: queue`, given.queue, 1, MAX_INT32, 1000),
    ...(ca !== undefined && { ca }),
  };
}

/** The value may be a secret: no error holds it. */
const refuseHeader = (name: string, field: string) =>
  refuse(`${name}: headers`, field, 'header fields whose names and values can be sent, without ends of lines');

function canBeSent(field: string, text: string): boolean {
  try {
    validateHeaderName(field);
    validateHeaderValue(field, text);
    return true;
  } catch {
    // Node says no more than that, and holds the value in its error.
    return false;
  }
}
