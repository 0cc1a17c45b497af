/** Where news of health goes, beside the events. */

/** A program with its arguments. No shell is between. */
export interface NotifyCommand {
  /** The program and its arguments. The environment tells the news in variables whose names begin with TUNVS_. */
  command: readonly [string, ...string[]];
  /** The milliseconds after which it is killed with its children. The default is 30000. */
  timeoutMs?: number;
  /** The user that it runs as, by number; the process's own by default. */
  uid?: number;
  /** The group that it runs as, by number; the process's own by default. */
  gid?: number;
}

/** What runs for one real server; the arguments are those that are given, as keepalived has it. */
export interface ServerNotifications {
  /** What runs when the server has come up, keepalived's notify_up. */
  up?: NotifyCommand;
  /** What runs when the server has gone down, keepalived's notify_down. */
  down?: NotifyCommand;
}

/** What runs for a virtual service. */
export interface ServiceNotifications {
  /** What runs for each of the service's servers that has none of its own. */
  server?: ServerNotifications;
  /** What runs when the service has its quorum again, keepalived's quorum_up. */
  quorumUp?: NotifyCommand;
  /** What runs when the service has lost its quorum, keepalived's quorum_down. */
  quorumDown?: NotifyCommand;
}

/**
 * Where each piece of news is sent as JSON by POST.
 *
 * @example
 * ```ts
 * import type { Notifications, WebhookOptions } from 'tunvs/health';
 *
 * const webhook: WebhookOptions = {
 *   url: 'https://hooks.example.com/tunvs',
 *   headers: { authorization: 'Bearer ...' },
 *   retries: 10,
 * };
 * const notify: Notifications = { webhook };
 * console.log(notify.webhook?.retries); // 10
 * ```
 */
export interface WebhookOptions {
  /** An http: or https: URL. */
  url: string;
  /** Header fields, such as one with a token. */
  headers?: Readonly<Record<string, string>>;
  /** The milliseconds that one attempt may take. The default is 5000. */
  timeoutMs?: number;
  /** How many more attempts there are after a failure; a status of 400 to 499 but 408 and 429 is final. The default is 5. */
  retries?: number;
  /** The milliseconds before the second attempt; each later wait is twice the one before. The default is 1000. */
  retryDelayMs?: number;
  /** How many pieces of news may wait; the oldest is lost, and told, when there are more. The default is 1000. */
  queue?: number;
  /** Certificates, in PEM, of those that are trusted to sign the receiver's; the well-known ones by default. */
  ca?: string;
}

/** Where news of all services goes. */
export interface Notifications {
  /** A program that runs for each piece of news; the words of keepalived's FIFO line are added to its arguments. */
  script?: NotifyCommand;
  /** The path of a named pipe, which is made if there is none, that gets keepalived's lines. */
  fifo?: string;
  /** The URL that gets news as JSON, by POST. */
  webhook?: WebhookOptions;
  /** Whether servers that come up by their first check are told, keepalived's rs_init_notifies. The default is false. */
  initial?: boolean;
}
